# Connects to a port of the network namespace that it was started in, at localhost, and carries bytes between that
# connection and its own standard input and output. Each direction ends on its own.
#
#   perl port.pl PORT
#
# Descriptor 3 gets one line: empty once it is connected, or why it is not.
use strict;
use warnings;
use Socket qw(AF_INET AF_INET6 SOCK_STREAM pack_sockaddr_in pack_sockaddr_in6 inet_pton);
use Fcntl qw(F_SETFL O_NONBLOCK);

my ($port) = @ARGV;
die "no port: $port\n" unless $port =~ /\A[1-9][0-9]{0,4}\z/ && $port < 65536;
open my $answer, '>&=', 3 or die "descriptor 3: $!\n";
$SIG{PIPE} = 'IGNORE';

my ($far, @refusals);
for my $try (
  [IPv4 => AF_INET, pack_sockaddr_in($port, inet_pton(AF_INET, '127.0.0.1')), "dial tcp4 127.0.0.1:$port"],
  [IPv6 => AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, '::1')), "dial tcp6 [::1]:$port"],
) {
  my ($family, $domain, $place, $dial) = @$try;
  my $made = socket my $socket, $domain, SOCK_STREAM, 0;
  if ($made && connect $socket, $place) { $far = $socket; last }
  push @refusals, "$family: $dial: connect: " . lc "$!";
}
if (!defined $far) {
  syswrite $answer, join(' ', "failed to connect to localhost:$port inside the pod's network namespace,", @refusals) . "\n";
  exit 1;
}
syswrite $answer, "\n";
close $answer;

# From, to, what is on its way, and what is to be done once all has gone.
my @ways = (
  { from => \*STDIN, to => $far, bytes => '', end => sub { shutdown $far, 1 } },
  { from => $far, to => \*STDOUT, bytes => '', end => sub { close STDOUT } },
);
fcntl $_, F_SETFL, O_NONBLOCK or die "cannot make it wait for nothing: $!\n" for \*STDIN, \*STDOUT, $far;
while (my @open = grep { !$_->{over} } @ways) {
  my ($reads, $writes) = ('', '');
  for my $way (@open) {
    if ($way->{bytes} eq '') { vec($reads, fileno $way->{from}, 1) = 1 }
    else { vec($writes, fileno $way->{to}, 1) = 1 }
  }
  next if select($reads, $writes, undef, undef) < 0;
  for my $way (@open) {
    if ($way->{bytes} eq '') {
      next unless vec $reads, fileno $way->{from}, 1;
      my $count = sysread $way->{from}, $way->{bytes}, 65536;
      next if !defined $count && ($!{EAGAIN} || $!{EINTR});
      exit 0 unless defined $count;    # reset: nobody is there any more
      if ($count == 0) { $way->{over} = 1; $way->{end}->() }
    } else {
      next unless vec $writes, fileno $way->{to}, 1;
      my $count = syswrite $way->{to}, $way->{bytes};
      next if !defined $count && ($!{EAGAIN} || $!{EINTR});
      exit 0 unless defined $count;
      substr $way->{bytes}, 0, $count, '';
    }
  }
}
