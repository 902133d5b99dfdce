# Tells everybody on a link that this machine answers at IPv6 addresses from now on, by neighbour advertisements that nobody asked for
# (RFC 4861, section 7.2.6): those who know another hardware address of one take this.
#
#   perl neighbour-advertisement.pl INDEX HARDWARE-ADDRESS ADDRESS...
#
# INDEX    the link's number in this network namespace
use strict;
use warnings;
use Socket qw(SOCK_RAW AF_INET6 inet_pton);

my ($index, $hardware, @addresses) = @ARGV;
my ($AF_PACKET, $ETHER_IPV6, $ARPHRD_ETHER, $ICMPV6) = (17, 0x86dd, 1, 58);
die "no link: $index\n" unless $index =~ /\A\d+\z/;
die "no hardware address: $hardware\n" unless $hardware =~ /\A[0-9a-f]{2}(?::[0-9a-f]{2}){5}\z/;
my $mine = pack 'H12', $hardware =~ tr/://dr;
my ($everybody, $all_nodes) = ("\x33\x33\0\0\0\1", inet_pton(AF_INET6, 'ff02::1'));
my ($ADVERTISEMENT, $OVERRIDE, $TARGET_LINK_ADDRESS) = (136, 0x20000000, 2);
socket(my $link, $AF_PACKET, SOCK_RAW, 0) or die "packet socket: $!\n";
my $where = pack 'S n l S C C a8', $AF_PACKET, $ETHER_IPV6, $index, $ARPHRD_ETHER, 0, 6, $everybody;
for my $address (@addresses) {
  my $bytes = $address =~ /\A[0-9a-f:.]+\z/ ? inet_pton(AF_INET6, $address) : undef;
  die "no address: $address\n" unless defined $bytes;
  my $body = pack 'N a16 C C a6', $OVERRIDE, $bytes, $TARGET_LINK_ADDRESS, 1, $mine;
  my $length = 4 + length $body;
  my $sum = checksum($bytes . $all_nodes . pack('N N', $length, $ICMPV6) . pack('C C n', $ADVERTISEMENT, 0, 0) . $body);
  my $message = pack('C C n', $ADVERTISEMENT, 0, $sum) . $body;
  my $packet = pack('N n C C', 6 << 28, $length, $ICMPV6, 255) . $bytes . $all_nodes . $message;
  defined send $link, pack('a6 a6 n', $everybody, $mine, $ETHER_IPV6) . $packet, 0, $where or die "cannot send: $!\n";
}

# Of an even number of bytes.
sub checksum {
  my ($bytes) = @_;
  my $sum = 0;
  $sum += $_ for unpack 'n*', $bytes;
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  return ~$sum & 0xffff;
}
