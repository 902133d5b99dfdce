# One small process per container: it starts the container, writes its output as a CRI log, and writes down how it
# ended. It outlives the agent, which only reads what stands in DIR. No modules beyond perl's core are loaded, to stay small.
#
#   perl shim.pl DIR EXITS LOG OPTIONS COMMAND...
#
# DIR      the container's folder. Read: environ, cwd, ids (kind=process); group, the folder of a
#          control group that ends with the container (kind=oci). Written: pid, started, exit, stdin (a fifo)
# EXITS    a folder that gets an empty file named as DIR's last part once DIR/exit stands: one watch serves all containers
# LOG      lines "<RFC 3339 with nanoseconds> stdout|stderr F|P <text>"; when it is full renamed to LOG.1, LOG.1 to LOG.2…
# OPTIONS  comma separated: kind=oci|process, stdin, tty, bytes=N (a log is full then), files=N (are kept of it)
# COMMAND  kind=oci: an OCI runtime's command that starts the container detached and writes DIR/pid; else the container's own
#
# Says "started PID" or "failed STATUS" on its standard output, once. SIGUSR1 ends the container's standard input.
use strict;
use warnings;
use Config;

my ($dir, $exits, $log, $options, @command) = @ARGV;
my %option = map { /^(\w+)(?:=(.*))?$/ ? ($1 => $2 // 1) : () } split /,/, $options;
my ($LINE_MOST, $DRAIN_SECONDS) = (16384, 2);
my ($LOG_MOST, $LOGS_KEPT) = ($option{bytes} // 10 * 1024 * 1024, ($option{files} // 5) - 1);
my $KILL_ROUNDS = 100;
# How long we sleep at most before we ask the kernel who ended; the second where it cannot tell us by a descriptor.
my ($LOOK_SECONDS, $LOOK_SECONDS_UNTOLD) = (10, 0.1);
my ($PRCTL, $CLOSE, $SIGPROCMASK, $SIGNALFD) =
  $Config{archname} =~ /aarch64/ ? (167, 57, 135, 74) : (157, 3, 14, 289);
my ($BLOCK, $CLOEXEC_NONBLOCK, $SIGUSR1, $SIGCHLD) = (0, 02004000, 10, 17);
my $hires = eval { require Time::HiRes; 1 };

# Whatever else our starter had open is not ours: a pipe that we kept would never close for who reads it.
opendir my $open, '/proc/self/fd' or die "/proc/self/fd: $!";
my @inherited = grep { /^\d+$/ && $_ > 2 } readdir $open;
closedir $open;
syscall $CLOSE, $_ + 0 for @inherited;

sub now { $hires ? Time::HiRes::time() : time }
sub stamp {
  my $now = now();
  my @t = gmtime int $now;
  sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%09dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0],
    int(($now - int $now) * 1e6) * 1000;
}
sub put {    # a file appears whole or not at all
  my ($path, $text) = @_;
  open my $file, '>', "$path.new" or die "$path.new: $!";
  print $file $text;
  close $file or die "$path.new: $!";
  rename "$path.new", $path or die "$path: $!";
}
sub get { my $path = shift; open my $file, '<', $path or return undef; local $/; scalar <$file> }

$SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE);
umask 0077;
# Orphans of the container come to us instead of to init: the runtime's detached child, and what daemonises.
syscall($PRCTL, 36, 1, 0, 0, 0);

my $log_file;
my $log_bytes = 0;
sub open_log {
  open $log_file, '>>', $log or die "$log: $!";
  chmod 0644, $log;
  $log_bytes = -s $log_file // 0;
}
sub write_log {
  my $text = shift;
  if ($log_bytes + length $text > $LOG_MOST && $log_bytes > 0) {
    rename "$log." . ($_ - 1), "$log.$_" for reverse 2 .. $LOGS_KEPT;
    rename $log, "$log.1";
    open_log();
  }
  my $at = 0;
  while ($at < length $text) {
    my $wrote = syswrite $log_file, $text, length($text) - $at, $at;
    if (!defined $wrote) { next if $!{EINTR}; last }    # a full disk costs lines, not the container
    $at += $wrote;
  }
  $log_bytes += $at;
}
open_log();

# Standard streams.
my ($stdin_read, $stdin_hold, @sources, @given);
if ($option{stdin}) {
  system 'mkfifo', '-m', '600', "$dir/stdin" unless -p "$dir/stdin";
  sysopen $stdin_hold, "$dir/stdin", 2 or die "$dir/stdin: $!";
  sysopen $stdin_read, "$dir/stdin", 0 or die "$dir/stdin: $!";
} else {
  open $stdin_read, '<', '/dev/null' or die;
}
my ($master, $pts);
if ($option{tty}) {
  sysopen $master, '/dev/ptmx', 2 or die "/dev/ptmx: $!";
  my $number = pack 'i', 0;
  ioctl $master, 0x40045431, $number or die "unlock terminal: $!";
  ioctl $master, 0x80045430, $number or die "terminal number: $!";
  my $name = '/dev/pts/' . unpack 'i', $number;
  sysopen $pts, $name, 02 | 0400 or die "$name: $!";    # not our controlling terminal
  put("$dir/tty", $name);
  @given = ($pts, $pts, $pts);
  @sources = ({ name => 'stdout', from => $master, rest => '' });
} else {
  pipe my $out_read, my $out_write or die;
  pipe my $err_read, my $err_write or die;
  @given = ($stdin_read, $out_write, $err_write);
  @sources = ({ name => 'stdout', from => $out_read, rest => '' }, { name => 'stderr', from => $err_read, rest => '' });
}

sub emit {    # whole lines, and what is too long or must not wait as partial ones
  my ($source, $data, $flush) = @_;
  my $time = stamp();
  my $text = '';
  my @lines = split /\n/, $source->{rest} . $data, -1;
  my $rest = pop(@lines) // '';
  for my $line (@lines) {
    $text .= "$time $source->{name} P " . substr($line, 0, $LINE_MOST, '') . "\n" while length $line > $LINE_MOST;
    $text .= "$time $source->{name} F $line\n";
  }
  $text .= "$time $source->{name} P " . substr($rest, 0, $LINE_MOST, '') . "\n" while length $rest > $LINE_MOST;
  if ($flush && length $rest) { $text .= "$time $source->{name} P $rest\n"; $rest = '' }
  $source->{rest} = $rest;
  write_log($text) if length $text;
}

my $started = stamp();
my $child = fork // die "fork: $!";
if ($child == 0) {
  $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM PIPE USR1 CHLD);
  open STDIN, '<&', $given[0] or die;
  open STDOUT, '>&', $given[1] or die;
  open STDERR, '>&', $given[2] or die;
  close $_ for grep { defined } @given, $master, $stdin_hold, map { $_->{from} } @sources;
  umask 0022;    # also for the folders above a mount, which the runtime makes: whoever the container runs as goes through
  if ($option{kind} eq 'process') {
    require POSIX;
    POSIX::setsid();
    ioctl STDIN, 0x540E, 0 if $option{tty};    # the controlling terminal of the new session
    # All read before we become somebody who may not.
    my ($ids, $cwd, $environ) = map { get("$dir/$_") } qw(ids cwd environ);
    if (defined $ids && $ids =~ /^(\d+):(\d+)$/) {
      my ($uid, $gid) = ($1, $2);
      ($(, $)) = ($gid, "$gid $gid");
      ($<, $>) = ($uid, $uid);
      if ($> != $uid) { print STDERR "cannot become user $uid\n"; POSIX::_exit(126) }
    }
    if (!chdir $cwd) { print STDERR "working directory $cwd: $!\n"; POSIX::_exit(126) }
    %ENV = map { /^([^=]+)=(.*)$/s ? ($1 => $2) : () } split /\0/, $environ // '';
  }
  { no warnings 'exec'; exec { $command[0] } @command; }
  my $code = $!{ENOENT} ? 127 : 126;
  print STDERR "exec $command[0]: $!\n";
  require POSIX;
  POSIX::_exit($code);
}
close $_ for grep { defined } $given[0], $option{tty} ? () : @given[1, 2];
undef @given;

# Signals come as data on a descriptor. A handler would not do: perl runs it between two of its operations, so that a
# signal just before a blocking call is noticed only after it, which may be never.
my $mask = pack 'Q', 1 << ($SIGUSR1 - 1) | 1 << ($SIGCHLD - 1);
my $signals;
if (syscall($SIGPROCMASK, $BLOCK, $mask, 0, 8) == 0) {
  my $number = syscall $SIGNALFD, -1, $mask, 8, $CLOEXEC_NONBLOCK;
  open $signals, '<&=', $number or die "signalfd: $!" if $number >= 0;
}

my $pid = $child;
if ($option{kind} eq 'oci') {
  # The runtime's command ends once the container runs; its pipes are the container's now.
  waitpid $child, 0;
  my $status = $?;
  $pid = get("$dir/pid");
  if ($status != 0 || !defined $pid) {
    syswrite STDOUT, 'failed ' . ($status >> 8 || 1) . "\n";
    exit 1;
  }
  chomp $pid;
} else {
  put("$dir/pid", $pid);
}
undef $pts;
# Field 22 of stat tells this process from a later one with the same number.
my $born = (split / /, (get("/proc/$pid/stat") // '') =~ s/^.*\) //sr)[19] // 0;
my $own_born = (split / /, get("/proc/$$/stat") =~ s/^.*\) //sr)[19];
put("$dir/started", "$started $pid $born $$ $own_born\n");
syswrite STDOUT, "started $pid\n";
open STDOUT, '>', '/dev/null';
open STDERR, '>', '/dev/null';
my ($ended, $end_by);
sub reap {
  while ((my $gone = waitpid -1, 1) > 0) {
    next if $gone != $pid || defined $ended;
    my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    $ended = "$code " . ($? & 127) . ' ' . stamp();
    $end_by = now() + $DRAIN_SECONDS;
    if ($option{kind} eq 'process') { kill_rest() } else { kill_group() }
  }
}
# Waits until something can be read or a child ended, at most $most seconds; answers the bits of what can be read.
sub wait_for {
  my ($want, $most) = @_;
  my $look = defined $signals ? $LOOK_SECONDS : $LOOK_SECONDS_UNTOLD;
  vec($want, fileno $signals, 1) = 1 if defined $signals;
  my $ready = select my $got = $want, undef, undef, defined $most && $most < $look ? $most : $look;
  if ($ready < 0) { die "select: $!" unless $!{EINTR}; $got = '' }
  if (defined $signals && $ready > 0 && vec $got, fileno $signals, 1) {
    while (sysread $signals, my $info, 128) {
      undef $stdin_hold if unpack('L', $info) == $SIGUSR1;
    }
  }
  reap();    # also when nobody told us: a wait is never longer than $look
  return $got;
}
sub kill_rest {    # as the end of a pid namespace would: everything the container left behind
  kill 'KILL', -$pid;
  for my $stat (glob '/proc/[0-9]*/stat') {
    my $text = get($stat) // next;
    kill 'KILL', $1 if $text =~ /^(\d+) \(.*\) \S (\d+) /s && $2 == $$;
  }
}
sub kill_group {    # the same, where other containers or the host are in the pid namespace too
  my $group = get("$dir/group") // return;
  if (open my $file, '>', "$group/cgroup.kill") { syswrite $file, '1'; close $file }
  for (1 .. $KILL_ROUNDS) {    # again: what forked while we looked
    my @left = grep { /^[1-9]/ } split /\n/, get("$group/cgroup.procs") // '' or last;
    kill 'KILL', @left;
    select undef, undef, undef, 0.01;
  }
}
reap();

while (@sources) {
  my $left = defined $ended ? $end_by - now() : undef;
  last if defined $left && $left <= 0;
  my $want = '';
  vec($want, fileno $_->{from}, 1) = 1 for @sources;
  my $feed = $master && $option{stdin} && defined $stdin_hold;
  vec($want, fileno $stdin_hold, 1) = 1 if $feed;
  my $got = wait_for($want, $left);
  if ($feed && defined $stdin_hold && vec $got, fileno $stdin_hold, 1) {
    my $typed = '';
    sysread $stdin_hold, $typed, 4096 and syswrite $master, $typed;
  }
  my @open;
  for my $source (@sources) {
    if (!vec $got, fileno $source->{from}, 1) { push @open, $source; next }
    my $count = sysread $source->{from}, my $data, 65536;
    if ($count) { emit($source, $data, $option{tty}); push @open, $source }
    elsif (!defined $count && $!{EINTR}) { push @open, $source }
    else { emit($source, '', 1) }
  }
  @sources = @open;
}
emit($_, '', 1) for @sources;
wait_for('') while !defined $ended;    # the streams may close long before the container ends
put("$dir/exit", "$ended\n");
(my $id = $dir) =~ s{.*/}{};
put("$exits/$id", '');
