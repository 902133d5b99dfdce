# SCTP's first packet without a kernel that speaks SCTP: only its packet filter need know the protocol.
#
#   perl sctp.pl receive          says "up", then "SOURCE PORT" of the first INIT that comes, PORT being the one it came to
#   perl sctp.pl send TO PORT     sends an INIT every 100 ms
use strict;
use warnings;
use Socket qw(AF_INET SOCK_RAW inet_aton inet_ntoa pack_sockaddr_in);

my ($what, $to, $port) = @ARGV;
my $IPPROTO_SCTP = 132;
$| = 1;
socket(my $raw, AF_INET, SOCK_RAW, $IPPROTO_SCTP) or die "raw socket: $!\n";

# RFC 9260, appendix A
sub crc32c {
  my $crc = 0xffffffff;
  for my $byte (unpack 'C*', $_[0]) {
    $crc ^= $byte;
    $crc = $crc & 1 ? ($crc >> 1) ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
  }
  return $crc ^ 0xffffffff;
}

if ($what eq 'receive') {
  print "up\n";
  while (recv $raw, my $packet, 65535, 0) {
    my $head = (ord($packet) & 15) * 4;
    my ($from_port, $to_port, $tag, $sum, $kind) = unpack 'n n N V C', substr $packet, $head;
    next unless $kind == 1;
    print inet_ntoa(substr $packet, 12, 4), " $to_port\n";
    exit 0;
  }
}

# INIT: tag, window, streams out and in, first number of a piece
my $chunk = pack 'C C n N N n n N', 1, 0, 20, 7, 65536, 1, 1, 1;
my $packet = pack('n n N V', 5000, $port, 0, 0) . $chunk;
substr $packet, 8, 4, pack 'V', crc32c($packet);
while (1) {
  defined send $raw, $packet, 0, pack_sockaddr_in(0, inet_aton($to)) or die "cannot send: $!\n";
  select undef, undef, undef, 0.1;
}
