# What holds a pod's namespaces: makes them, sets the pod's host name and sysctls in them, and sleeps.
#
#   perl pause.pl NAMESPACES HOSTNAME [NAME=VALUE...]
#
# NAMESPACES  comma separated: uts, ipc, net, pid. With pid it is the first process there: what is left to it goes without being waited for.
#             First of all user:FIRST:LENGTH, so many users and groups of their own, that are the host's from FIRST on; the others are theirs.
# NAME=VALUE  sysctls. Only those of a namespace made here are written, whatever is asked for: /proc is the host's.
#
# Says "ready PID" on its standard output, or dies with the reason. No modules are loaded, to stay small.
use strict;
use warnings;
use Config;

my ($UNSHARE, $CLOSE, $SETHOSTNAME, $SETGROUPS, $SETRESGID, $SETRESUID) =
  $Config{archname} =~ /aarch64/ ? (97, 57, 161, 159, 149, 147) : (272, 3, 170, 116, 119, 117);
my %FLAG = (uts => 0x04000000, ipc => 0x08000000, net => 0x40000000, pid => 0x20000000);
my $USERS = 0x10000000;
my ($SIOCGIFFLAGS, $SIOCSIFFLAGS, $IFF_UP) = (0x8913, 0x8914, 1);

# Whatever else our starter had open is not ours: a pipe that we kept would never close for who reads it.
opendir my $open, '/proc/self/fd' or die "/proc/self/fd: $!\n";
my @inherited = grep { /^\d+$/ && $_ > 2 } readdir $open;
closedir $open;
syscall $CLOSE, $_ + 0 for @inherited;

my ($namespaces, $hostname, @sysctls) = @ARGV;
my ($first, $length) = $namespaces =~ s/\Auser:(\d+):(\d+),?// ? ($1, $2) : ();
my %own = map { $_ => 1 } split /,/, $namespaces;
my $flags = 0;
$flags |= $FLAG{$_} // die "there is no namespace $_\n" for keys %own;

sub put {
  my ($path, $text) = @_;
  open my $file, '>', $path or die "$path: $!\n";
  syswrite $file, $text or die "$path: $!\n";
}

# Whose users they are can only be said from outside.
if (defined $first) {
  pipe my $was_made, my $made or die "pipe: $!\n";
  pipe my $was_mapped, my $mapped or die "pipe: $!\n";
  my $child = fork // die "fork: $!\n";
  if ($child) {
    close $made;
    close $was_mapped;
    sysread $was_made, my $word, 1 or exit 1;    # it said why
    put("/proc/$child/$_", "0 $first $length\n") for qw(uid_map gid_map);
    syswrite $mapped, 'x';
    exit 0;
  }
  close $was_made;
  close $mapped;
  syscall($UNSHARE, $USERS) == 0 or die "cannot make a user namespace: $!\n";
  syswrite $made, 'x';
  sysread $was_mapped, my $word, 1 or die "the pod's users were not mapped\n";
  syscall($SETGROUPS, 0, 0) == 0 && syscall($SETRESGID, 0, 0, 0) == 0 && syscall($SETRESUID, 0, 0, 0) == 0
    or die "cannot be root of a user namespace: $!\n";
  close $_ for $made, $was_mapped;
}
syscall($UNSHARE, $flags) == 0 or die "cannot make namespaces ($namespaces): $!\n";

if ($own{pid}) {
  my $first = fork // die "fork: $!\n";
  exit 0 if $first;
}

my $name = "$hostname";
!$own{uts} || !length $name || syscall($SETHOSTNAME, $name, length $name) == 0 or die "host name: $!\n";
if ($own{net}) {
  socket my $socket, 2, 2, 0 or die "socket: $!\n";
  my $request = pack 'a16 x24', 'lo';
  ioctl $socket, $SIOCGIFFLAGS, $request or die "loopback device: $!\n";
  $request = pack 'a16 s x22', 'lo', unpack('x16 s', $request) | $IFF_UP;
  ioctl $socket, $SIOCSIFFLAGS, $request or die "loopback device: $!\n";
}
for (@sysctls) {
  my ($name, $value) = /\A([a-z0-9][-_.\/a-z0-9]*)=(.*)\z/s or die "no sysctl: $_\n";
  # In a name that begins "net/ipv4/…" a slash separates and a dot is part of an interface's name; else the reverse.
  $name =~ tr{./}{/.} unless $name =~ m{\A[^./]*/};
  my $namespace =
    $name =~ m{\Anet/} ? 'net' : $name =~ m{\A(kernel/(shm|msg)[^/]*|kernel/sem|fs/mqueue/[^/]+)\z} ? 'ipc' : '';
  die "sysctl $name is not the pod's own\n" if !$own{$namespace} || grep { /^\.*$/ } split m{/}, $name, -1;
  put("/proc/sys/$name", $value);
}

# The number that the host knows us by.
open my $status, '<', '/proc/self/status' or die "/proc/self/status: $!\n";
my ($pid) = map { /^NSpid:\s+(\d+)/ } <$status>;
close $status;
syswrite STDOUT, 'ready ' . ($pid // $$) . "\n";
open STDOUT, '>', '/dev/null';
open STDERR, '>', '/dev/null';
$SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE);
$SIG{CHLD} = 'IGNORE';    # kept across exec; the kernel then reaps by itself
exec 'sleep', 'infinity' or die "sleep: $!\n";
