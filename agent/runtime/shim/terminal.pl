# Runs a command on a terminal and carries bytes between the terminal and our standard streams, to the last one.
#
#   perl terminal.pl KIND COMMAND...
#
# KIND     own          we make the terminal; it is the command's controlling one
#          raw          so, and nothing is done to what is typed: the command is runc, which has a terminal of its own within and
#                       leaves the ends of lines to us
#          handed=NAME  the command is an OCI runtime that makes one in the container and hands it over: at a socket of that name,
#                       its console socket, which we make in the working folder
# COMMAND  we end as it ends
#
# Descriptor 3 brings the size of the terminal, a line "COLUMNS ROWS" each time it changes. The end of our input is typed as ^D.
use strict;
use warnings;
use Config;

my ($kind, @command) = @ARGV;
my ($name) = $kind =~ /\Ahanded=([\w.-]+)\z/;
die "no kind of terminal: $kind\n" unless defined $name || $kind eq 'own' || $kind eq 'raw';
my ($BUFFER, $PIECE, $LOOK_SECONDS) = (65536, 4096, 1);
my ($PRCTL, $CLOSE, $SETSID, $RECVMSG, $SIGPROCMASK, $SIGNALFD) =
  $Config{archname} =~ /aarch64/ ? (167, 57, 157, 212, 135, 74) : (157, 3, 112, 47, 14, 289);
my ($F_GETFL, $F_SETFL, $NONBLOCK, $WNOHANG) = (3, 4, 04000, 1);
my ($BLOCK, $CLOEXEC_NONBLOCK, $SIGCHLD, $SIGKILL, $PARENT_DEATH) = (0, 02004000, 17, 9, 1);
my ($GET_MODES, $SET_MODES, $CONTROLLING, $SET_SIZE, $UNLOCK, $NUMBER) =
  (0x5401, 0x5402, 0x540E, 0x5414, 0x40045431, 0x80045430);

$SIG{PIPE} = 'IGNORE';
umask 0077;
open my $sizes, '<&=', 3 or die "descriptor 3: $!\n";
my ($terminal, $columns, $rows) = (undef, 80, 24);
sub resize { ioctl $terminal, $SET_SIZE, pack 'S4', $rows, $columns, 0, 0 if $terminal }
sub take {
  $terminal = shift;
  fcntl $terminal, $F_SETFL, fcntl($terminal, $F_GETFL, 0) | $NONBLOCK or die "fcntl: $!\n";
  resize();
}

my ($listener, $slave);
if (defined $name) {
  socket $listener, 1, 1, 0 or die "socket: $!\n";
  bind $listener, pack 'S a*', 1, "$name\0" or die "$name: $!\n";
  listen $listener, 1 or die "$name: $!\n";
} else {
  sysopen my $master, '/dev/ptmx', 2 or die "/dev/ptmx: $!\n";
  my $number = pack 'i', 0;
  ioctl $master, $UNLOCK, $number or die "unlock terminal: $!\n";
  ioctl $master, $NUMBER, $number or die "terminal number: $!\n";
  my $path = '/dev/pts/' . unpack 'i', $number;
  sysopen $slave, $path, 02 | 0400 or die "$path: $!\n";
  if ($kind eq 'raw') {
    my $modes = "\0" x 60;
    ioctl $slave, $GET_MODES, $modes or die "terminal modes: $!\n";
    my ($in, $out, $control, $local, $rest) = unpack 'L4 a*', $modes;
    ioctl $slave, $SET_MODES, pack 'L4 a*', 0, $out, $control, 0, $rest or die "terminal modes: $!\n";
  }
  take($master);
}

my $child = fork // die "fork: $!\n";
if ($child == 0) {
  syscall $PRCTL, $PARENT_DEATH, $SIGKILL, 0, 0, 0;    # it ends with us
  syscall $CLOSE, 3;
  umask 0022;
  $SIG{PIPE} = 'DEFAULT';
  if ($slave) {
    syscall $SETSID;
    open STDIN, '<&', $slave or die;
    open STDOUT, '>&', $slave or die;
    ioctl STDIN, $CONTROLLING, 0;
  } else {
    open STDIN, '<', '/dev/null' or die;
  }
  open STDERR, '>&', \*STDOUT or die;    # a runtime's: why it could not start
  { no warnings 'exec'; exec { $command[0] } @command; }
  my $code = $!{ENOENT} ? 127 : 126;
  print STDERR "exec $command[0]: $!\n";
  exit $code;
}
undef $slave;

# Its end comes as data; where the kernel has no such descriptor, we look each second.
my $ended;
my $mask = pack 'Q', 1 << ($SIGCHLD - 1);
if (syscall($SIGPROCMASK, $BLOCK, $mask, 0, 8) == 0) {
  my $number = syscall $SIGNALFD, -1, $mask, 8, $CLOEXEC_NONBLOCK;
  open $ended, '<&=', $number or die "signalfd: $!\n" if $number >= 0;
}

# The terminal comes as a descriptor beside a message (SCM_RIGHTS).
sub take_handed {
  accept my $connection, $listener or return;
  my ($bytes, $control) = ("\0" x 512, "\0" x 64);
  my $part = pack 'P Q', $bytes, 512;
  my $message = pack 'Q L x4 P Q P Q L x4', 0, 0, $part, 1, $control, 64, 0;
  syscall($RECVMSG, fileno $connection, $message, 0) >= 0 or die "recvmsg: $!\n";
  my ($length, $level, $type, $number) = unpack 'Q l l l', $control;
  die "the runtime handed over no terminal\n" unless $length >= 20 && $level == 1 && $type == 1;
  open my $handed, '+<&=', $number or die "terminal: $!\n";
  take($handed);
  undef $listener;
  unlink $name;
}

my ($typed, $shown, $size_text) = ('', '', '');
my ($reads, $is_open) = (1, 1);    # whether our input goes on, and the terminal

# What the terminal has to say at the moment: nothing where it says so, or where nobody holds its other side any more.
sub hear {
  my $count = sysread $terminal, $shown, $BUFFER, length $shown;
  return $count if $count;
  $is_open = 0 unless !defined $count && ($!{EAGAIN} || $!{EINTR});
  return 0;
}

# No more at a time than a pipe takes that says that it has room.
sub show {
  my $count = syswrite STDOUT, $shown, $PIECE;
  if (defined $count) { substr $shown, 0, $count, '' }
  elsif (!$!{EAGAIN} && !$!{EINTR}) { exit 129 }    # nobody listens: the terminal hangs up
}

until (waitpid($child, $WNOHANG)) {
  my ($in, $out) = ('', '');
  vec($in, fileno $_, 1) = 1 for grep { defined } $ended, $listener, $sizes;
  vec($in, 0, 1) = 1 if $reads && length $typed < $BUFFER;
  vec($in, fileno $terminal, 1) = 1 if $terminal && $is_open && length $shown < $BUFFER;
  vec($out, fileno $terminal, 1) = 1 if $terminal && $is_open && length $typed;
  vec($out, 1, 1) = 1 if length $shown;
  next if select($in, $out, undef, $LOOK_SECONDS) <= 0;

  sysread $ended, my $signal, 128 if $ended && vec $in, fileno $ended, 1;
  take_handed() if $listener && vec $in, fileno $listener, 1;
  if ($sizes && vec $in, fileno $sizes, 1) {
    if (sysread $sizes, $size_text, 4096, length $size_text) {
      ($columns, $rows) = ($1, $2) while $size_text =~ s/\A(\d{1,5}) (\d{1,5})\n//;
      resize();
    } else { undef $sizes }
  }
  if (vec $in, 0, 1) {
    unless (sysread STDIN, $typed, $BUFFER, length $typed) { $reads = 0; $typed .= "\x04" }
  }
  if ($terminal && $is_open && vec $out, fileno $terminal, 1) {
    my $count = syswrite $terminal, $typed;
    substr $typed, 0, $count, '' if defined $count;
  }
  hear() if $terminal && $is_open && vec $in, fileno $terminal, 1;
  show() if vec $out, 1, 1;
}
my $status = $?;

# What was written last still lies in the terminal. Who goes on behind the command does not keep us.
my $in = '';
vec($in, fileno $listener, 1) = 1 if $listener;
take_handed() if $listener && select($in, undef, undef, 0) > 0;
if ($terminal) { while ($is_open && hear()) { show() while length $shown } }
show() while length $shown;
unlink $name if $listener;
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
