# Becomes another user for good, then the command: what exec runs beside a plain process that was started as that user.
#
#   perl as-user.pl UID:GID COMMAND...
use strict;
use warnings;

my ($ids, @command) = @ARGV;
my ($uid, $gid) = $ids =~ /\A(\d+):(\d+)\z/ or die "no user and group: $ids\n";
($(, $)) = ($gid, "$gid $gid");
($<, $>) = ($uid, $uid);
die "cannot become user $uid, group $gid\n" if $> != $uid || $< != $uid || (split / /, $))[0] != $gid;
{ no warnings 'exec'; exec { $command[0] } @command; }
my $code = $!{ENOENT} ? 127 : 126;
print STDERR "exec $command[0]: $!\n";
exit $code;
