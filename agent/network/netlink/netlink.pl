# Owns a netlink socket in its network namespace, which Node.js cannot open. Reads requests from stdin, sends each to the kernel
# whole, and answers on stdout with all that the kernel said to it. Ends with its stdin.
#
#   perl netlink.pl PROTOCOL SEND-BYTES
#
# SEND-BYTES  how much it is to send at once; 0: no more than usual
#
#   request   length (32 bits, network order), as many bytes of netlink messages
#   answer    length of what follows, number of the error that sending met (0: none), the kernel's messages
use strict;
use warnings;
use Socket qw(SOCK_RAW SOL_SOCKET);
use Errno qw(EAGAIN EINTR ENOBUFS);

my ($protocol, $send_bytes) = @ARGV;
die "no protocol: $protocol\n" unless $protocol =~ /\A\d{1,2}\z/;
die "no number of bytes: $send_bytes\n" unless $send_bytes =~ /\A\d{1,9}\z/;
my ($AF_NETLINK, $SO_SNDBUFFORCE, $SO_RCVBUFFORCE, $MSG_DONTWAIT) = (16, 32, 33, 0x40);
my ($SOL_NETLINK, $NETLINK_CAP_ACK) = (270, 10);
my $request_max = 64 * 1024 * 1024;

socket(my $kernel, $AF_NETLINK, SOCK_RAW, $protocol) or die "netlink socket: $!\n";
if ($send_bytes > 0) {
  setsockopt $kernel, SOL_SOCKET, $SO_SNDBUFFORCE, pack('i', $send_bytes) or die "cannot enlarge a netlink socket: $!\n";
  setsockopt $kernel, SOL_SOCKET, $SO_RCVBUFFORCE, pack('i', 4 * 1024 * 1024) or die "cannot enlarge a netlink socket: $!\n";
}
setsockopt $kernel, $SOL_NETLINK, $NETLINK_CAP_ACK, pack('i', 1);  # or errors repeat what was asked
bind $kernel, pack('S S L L', $AF_NETLINK, 0, 0, 0) or die "cannot bind a netlink socket: $!\n";
binmode STDIN;
binmode STDOUT;

sub read_whole {
  my ($length) = @_;
  my $bytes = '';
  while (length($bytes) < $length) {
    my $got = sysread STDIN, $bytes, $length - length($bytes), length($bytes);
    next if !defined $got && $! == EINTR;
    die "cannot read: $!\n" unless defined $got;
    exit 0 if $got == 0;
  }
  return $bytes;
}

sub write_whole {
  my ($bytes) = @_;
  my $done = 0;
  while ($done < length $bytes) {
    my $put = syswrite STDOUT, $bytes, length($bytes) - $done, $done;
    next if !defined $put && $! == EINTR;
    exit 0 unless defined $put;
    $done += $put;
  }
}

# The kernel works while it is being sent to, and goes on with a long list while it is being read from: when nothing is there to be
# read, it has said all.
sub replies {
  my $all = '';
  while (1) {
    my $bytes = '';
    if (defined recv $kernel, $bytes, 1024 * 1024, $MSG_DONTWAIT) {
      $all .= $bytes;
    } elsif ($! == EAGAIN) {
      return $all;
    } elsif ($! == ENOBUFS) {
      die "the kernel had more to say than fits\n";
    } elsif ($! != EINTR) {
      die "cannot receive: $!\n";
    }
  }
}

while (1) {
  my $length = unpack 'N', read_whole(4);
  die "a request of $length bytes\n" if $length > $request_max;
  my $request = read_whole($length);
  my $error = defined send($kernel, $request, 0, pack('S S L L', $AF_NETLINK, 0, 0, 0)) ? 0 : $! + 0;
  my $replies = $error ? '' : replies();
  write_whole(pack('N N', 4 + length $replies, $error) . $replies);
}
