#!/usr/bin/perl
# Gives a volume to a group, with all that is in it: group.pl FOLDER GID (Always|OnRootMismatch).
#
# A process of its own, because the volume is some driver's: where that does not answer, this is what hangs, and is killed. Each thing
# is opened relative to the folder it was found in, never following a link, and changed by its descriptor: whoever uses the
# volume meanwhile can swap names, but leads nothing out of it. Children come before their folder, so that a run that is cut short
# is seen by the root's owner (OnRootMismatch).
use strict;
use warnings;
use Errno qw(ENOENT);
use Fcntl qw(O_DIRECTORY O_NOFOLLOW :mode);

use constant { O_PATH => 010000000, READ_WRITE => 0660, ENTER => 0110 };

no warnings 'recursion';

my ($root, $gid, $policy) = @ARGV;
die "usage: group.pl FOLDER GID Always|OnRootMismatch\n"
  unless defined $policy && $gid =~ /^\d{1,10}$/ && $policy =~ /^(?:Always|OnRootMismatch)$/;

sysopen(my $top, $root, O_PATH | O_DIRECTORY) or die "$root: $!\n";
my @seen = stat of($top) or die "$root: $!\n";
my $wanted = READ_WRITE | ENTER | S_ISGID;
exit 0 if $policy eq 'OnRootMismatch' && $seen[5] == $gid && ($seen[2] & $wanted) == $wanted;
give($top);

sub of { return '/proc/self/fd/' . fileno $_[0] }

sub give {
    my ($here) = @_;
    my $path = of($here);
    my @found = stat $path or die "$path: $!\n";
    my $mode = $found[2];
    if (S_ISDIR($mode)) {
        opendir(my $list, $path) or die "cannot read a folder: $!\n";
        while (defined(my $name = readdir $list)) {
            next if $name eq '.' || $name eq '..';
            if (!sysopen(my $child, "$path/$name", O_PATH | O_NOFOLLOW)) {
                next if $! == ENOENT;    # gone meanwhile
                die "cannot open what is in a folder: $!\n";
            }
            else { give($child) }
        }
        closedir $list;
    }
    chown -1, $gid, $path or die "cannot give to group $gid: $!\n";
    return if S_ISLNK($mode);
    my $bits = READ_WRITE | (S_ISDIR($mode) ? ENTER | S_ISGID : 0);
    chmod +(S_IMODE($mode) | $bits), $path or die "cannot change a mode: $!\n";
    return;
}
