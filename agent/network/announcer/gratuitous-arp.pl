# Tells everybody on a link that this machine answers at IPv4 addresses from now on (RFC 5227, section 3): those who know another
# hardware address of one take this. Sent both as a request and as a reply, for some listen to one of them alone.
#
#   perl gratuitous-arp.pl INDEX HARDWARE-ADDRESS ADDRESS...
#
# INDEX    the link's number in this network namespace
use strict;
use warnings;
use Socket qw(SOCK_RAW inet_aton);

my ($index, $hardware, @addresses) = @ARGV;
my ($AF_PACKET, $ETHER_ARP, $ARPHRD_ETHER) = (17, 0x0806, 1);
die "no link: $index\n" unless $index =~ /\A\d+\z/;
die "no hardware address: $hardware\n" unless $hardware =~ /\A[0-9a-f]{2}(?::[0-9a-f]{2}){5}\z/;
my $mine = pack 'H12', $hardware =~ tr/://dr;
my ($everybody, $nobody) = ("\xff" x 6, "\0" x 6);
socket(my $link, $AF_PACKET, SOCK_RAW, 0) or die "packet socket: $!\n";
my $where = pack 'S n l S C C a8', $AF_PACKET, $ETHER_ARP, $index, $ARPHRD_ETHER, 0, 6, $everybody;
for my $address (@addresses) {
  die "no address: $address\n" unless $address =~ /\A\d{1,3}(?:\.\d{1,3}){3}\z/ && defined(my $bytes = inet_aton($address));
  for ([1, $nobody], [2, $everybody]) {
    my ($operation, $target) = @$_;
    my $frame = pack 'a6 a6 n n n C C n a6 a4 a6 a4', $everybody, $mine, $ETHER_ARP, $ARPHRD_ETHER, 0x0800, 6, 4, $operation,
      $mine, $bytes, $target, $bytes;
    defined send $link, $frame, 0, $where or die "cannot send: $!\n";
  }
}
