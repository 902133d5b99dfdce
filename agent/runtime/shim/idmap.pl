# Shows folders and files at other places with the users of a user namespace: what is root's there is root's in the namespace.
#
#   perl idmap.pl PID all|one [FROM TO...]
#
# PID  a process of the user namespace.
# all  what is mounted in FROM is shown, too.
# TO   a folder or file, as FROM is.
#
# Ends with the reason where that cannot be, and without a word where it is done. No modules are loaded, to stay small.
use strict;
use warnings;
use Config;

my $CLOSE = $Config{archname} =~ /aarch64/ ? 57 : 3;
my ($OPEN_TREE, $MOVE_MOUNT, $MOUNT_SETATTR) = (428, 429, 442);
my ($CLONE, $CLOEXEC, $RECURSIVE, $EMPTY_PATH, $HERE) = (1, 0x80000, 0x8000, 0x1000, -100);
my ($ATTR_IDMAP, $FROM_EMPTY_PATH) = (0x00100000, 4);

my ($pid, $reach, @pairs) = @ARGV;
($pid // '') =~ /\A\d+\z/ && ($reach // '') =~ /\A(all|one)\z/ && @pairs % 2 == 0
  or die "idmap.pl PID all|one [FROM TO...]\n";
$RECURSIVE = 0 if $reach eq 'one';
open my $users, '<', "/proc/$pid/ns/user" or die "/proc/$pid/ns/user: $!\n";
my $attributes = pack 'Q4', $ATTR_IDMAP, 0, 0, fileno $users;
my $nothing = '';
while (my ($from, $to) = splice @pairs, 0, 2) {
  my $tree = syscall $OPEN_TREE, $HERE, $from, $CLONE | $CLOEXEC | $RECURSIVE;
  $tree >= 0 or die "$from: $!\n";
  syscall($MOUNT_SETATTR, $tree, $nothing, $EMPTY_PATH | $RECURSIVE, $attributes, length $attributes) == 0
    or die "$from cannot be shown to other users: $!\n";
  syscall($MOVE_MOUNT, $tree, $nothing, $HERE, $to, $FROM_EMPTY_PATH) == 0 or die "$to: $!\n";
  syscall $CLOSE, $tree;
}
