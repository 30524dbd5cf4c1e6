# Runs in a container with the limits of a trial, and prints what it could do, a word and a value a line. Perl, as every Debian has it.
$| = 1;
my ($memory, $processes) = @ARGV;
sub slurp { my ($file) = @_; open my $in, '<', $file or return ''; local $/; my $text = <$in>; $text }
sub status { slurp('/proc/self/status') =~ /^$_[0]:\s*(.*)$/m ? $1 : '' }
sub say_it { my ($name, $value) = @_; $value =~ s/\s+/ /g; print "$name $value\n" }

say_it user => "$<";
say_it no_new_privs => status('NoNewPrivs');
say_it capabilities => join ' ', map { hex(status($_)) ? "$_=" . status($_) : () } qw(CapInh CapPrm CapEff CapBnd CapAmb);
say_it uid_map => slurp('/proc/self/uid_map');
say_it root => open(my $file, '>', '/written') ? 'writable' : 'read-only';
say_it interfaces => join ' ', map { /^\s*(\S+):/ ? $1 : () } split /\n/, slurp('/proc/net/dev');
# An address for documentation: nobody is there, and no packet goes out where there is no way to it.
socket(my $socket, 2, 2, 0) or say_it socket => "$!";
say_it connects => connect($socket, pack('SnC4x8', 2, 9, 192, 0, 2, 1)) ? 'yes' : 'no';
# Sockets to the hypervisor, which the further filter refuses.
say_it vsock => socket(my $vsock, 40, 1, 0) ? 'yes' : 'no';

for my $dir ('/tmp', '/dev/shm') {
    my $written = 0;
    if (open my $out, '>', "$dir/fill") {
        my $block = 'x' x 1048576;
        while ($written < 64) { my $n = syswrite($out, $block); last unless $n && $n == 1048576; $written++ }
        close $out;
    }
    unlink "$dir/fill";
    say_it "fills:$dir" => $written;
}

my @children;
while (@children < 4 * $processes) {
    my $pid = fork;
    last unless defined $pid;
    if (!$pid) { sleep 30; exit }
    push @children, $pid;
}
say_it processes => scalar @children;
kill 'KILL', @children;
waitpid $_, 0 for @children;

my $quota = slurp('/sys/fs/cgroup/cpu.max') || slurp('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') || slurp('/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us');
say_it quota => $quota;
say_it swap => slurp('/sys/fs/cgroup/memory.swap.max') || slurp('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes');

my $eater = fork;
if (defined $eater && !$eater) {
    if (open my $score, '>', '/proc/self/oom_score_adj') { print $score 1000 }
    my @eaten;
    # Each another text: Perl would keep the same one only once.
    push @eaten, chr(65 + $_ % 26) x 1048576 for 1 .. 3 * $memory;
    exit 0;
}
waitpid $eater, 0;
say_it memory => ($? & 127) == 9 ? 'killed' : ($? == 0 ? 'unlimited' : "refused");
say_it end => 1;
