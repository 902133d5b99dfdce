# A CNI plugin that leaves all to the node's agent: it passes on what the container runtime asks, and says what it is answered.
#
# In the environment: what CNI says (CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS). On standard input: the
# network's configuration, whose "socket" is where the agent listens. The agent is sent those five, a NUL between two and a
# newline behind the last, and answers "ok" or "failed", a newline, and what is to be said.
use strict;
use warnings;
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

my $version = '"cniVersion":"1.0.0"';
sub fail {
  my ($code, $why) = @_;
  $why =~ s/["\\[:cntrl:]]/ /g;
  print qq({$version,"code":$code,"msg":"$why"}\n);
  exit 1;
}
$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { fail(11, "the node's agent does not answer") };
my $command = $ENV{CNI_COMMAND} // '';
if ($command eq 'VERSION') {
  print qq({$version,"supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n);
  exit 0;
}
my $config = '';
1 while length $config < 1 << 20 && sysread STDIN, $config, 1 << 16, length $config;
my ($path) = $config =~ /"socket"\s*:\s*"([^"\\]+)"/ or fail(7, 'the configuration names no socket');
alarm 110;
my $made = socket(my $agent, AF_UNIX, SOCK_STREAM, 0);
$made &&= connect $agent, pack_sockaddr_un($path);
if (!$made) {
  # The next agent frees what of its sandboxes is gone.
  exit 0 if $command eq 'DEL' || $command eq 'GC';
  fail(11, "the node's agent does not run: $!");
}
my $asked = join("\0", $command, map { $_ // '' } @ENV{qw(CNI_CONTAINERID CNI_NETNS CNI_IFNAME CNI_ARGS)}) . "\n";
defined syswrite $agent, $asked or fail(11, "the node's agent does not listen: $!");
my $answer = '';
1 while length $answer < 1 << 20 && sysread $agent, $answer, 1 << 16, length $answer;
my ($how, $text) = $answer =~ /\A(ok|failed)\n(.*)\z/s or fail(11, "the node's agent ended its answer early");
print $text;
exit($how eq 'ok' ? 0 : 1);
