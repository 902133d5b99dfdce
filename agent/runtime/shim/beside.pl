# Becomes what a plain process was started as – its user for good, its environment, its folder –, then the command that is to run
# beside it. The environment comes from a file: perl itself must not begin with one that a pod chose.
#
#   perl beside.pl DIR COMMAND...
#
# DIR      the process' folder; read: environ, cwd, ids (UID:GID; absent: whoever we are)
use strict;
use warnings;

my ($dir, @command) = @ARGV;
sub get { my $path = shift; open my $file, '<', $path or return undef; local $/; scalar <$file> }
my ($ids, $cwd, $environ) = map { get("$dir/$_") } qw(ids cwd environ);
die "$dir has no environ or cwd\n" unless defined $environ && defined $cwd;
if (defined $ids) {
  my ($uid, $gid) = $ids =~ /\A(\d+):(\d+)\n?\z/ or die "no user and group: $ids\n";
  ($(, $)) = ($gid, "$gid $gid");
  ($<, $>) = ($uid, $uid);
  die "cannot become user $uid, group $gid\n" if $> != $uid || $< != $uid || (split / /, $))[0] != $gid;
}
chdir $cwd or die "working directory $cwd: $!\n";
%ENV = map { /^([^=]+)=(.*)$/s ? ($1 => $2) : () } split /\0/, $environ;
$ENV{TERM} //= 'xterm' if -t STDIN;
{ no warnings 'exec'; exec { $command[0] } @command; }
my $code = $!{ENOENT} ? 127 : 126;
print STDERR "exec $command[0]: $!\n";
exit $code;
