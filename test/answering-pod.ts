/** Answers each connection to port 8080 of its pod with the value of $POD. The first process of a pod ends by no signal that it
 *  does not take itself. */
export const answeringPod = `use IO::Socket::INET; $SIG{TERM} = sub { exit 0 }; $SIG{PIPE} = "IGNORE";
my $at = $ENV{PINTLE_POD_IP} || "0.0.0.0";
my $listening = IO::Socket::INET->new(LocalAddr => $at, LocalPort => 8080, Listen => 1024, ReuseAddr => 1) or die $!;
while (1) {
  my $one = $listening->accept or next;
  $one->recv(my $asked, 4096);
  print $one "HTTP/1.0 200 OK\\r\\ncontent-length: " . length($ENV{POD}) . "\\r\\n\\r\\n$ENV{POD}" if $asked;
  close $one;
}`;
