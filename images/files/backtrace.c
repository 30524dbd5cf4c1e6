/*
 * Preloaded into the server of a run by bin/server: says where a process of it was when a fault killed it, in /data/crashes/PID.
 *
 * There are no core files: where they go is a setting of the machine, whose own crash handler must not see what happens in here. So the
 * process itself writes down what is needed to find every frame, and then dies of the same signal, as the postmaster has to see. The stack
 * may be used up and the heap be broken: everything here runs on a stack of its own, and calls only what a signal handler may, but for
 * what resolves names, which comes last.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* So many crashes of one server are written down, of so many frames and bytes each, within so many seconds. */
enum { MAX_FILES = 16, MAX_FRAMES = 64, MAX_BYTES = 64 * 1024, MAX_SECONDS = 10 };

/* PostgreSQL turns SIGFPE into an error where a statement is to blame, by a handler that it sets later than this one. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

static char stack[128 * 1024];
/* Shared by all processes of the server. */
static int *crashes;
static volatile int fault;
static int busy;
static int out;
static size_t room;

static void put(const char *text, size_t length)
{
	if (length > room)
		length = room;
	room -= length;
	while (length > 0) {
		ssize_t wrote = write(out, text, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return;
		text += wrote;
		length -= wrote;
	}
}

static char *number(char *end, uintptr_t value, unsigned base)
{
	do
		*--end = "0123456789abcdef"[value % base];
	while (value /= base);
	return end;
}

static void put_number(const char *name, uintptr_t value, unsigned base)
{
	char text[32], *end = text + sizeof text, *from;

	*--end = '\n';
	from = number(end, value, base);
	put(name, strlen(name));
	put(base == 16 ? " 0x" : " ", base == 16 ? 3 : 1);
	put(from, text + sizeof text - from);
}

static uintptr_t hex(const char **text)
{
	uintptr_t value = 0;

	for (;; ++*text) {
		int digit = **text;
		if (digit >= '0' && digit <= '9')
			value = value * 16 + (digit - '0');
		else if (digit >= 'a' && digit <= 'f')
			value = value * 16 + (digit - 'a' + 10);
		else
			return value;
	}
}

/* `start-end rights offset device inode path`: keeps the line where it tells where a file begins or where code is. */
static int put_map(const char *line, size_t length, uintptr_t counter)
{
	const char *at = line;
	uintptr_t start = hex(&at), end = (++at, hex(&at)), offset;
	int runs = at[3] == 'x';

	at += strlen(" r-xp ");
	offset = hex(&at);
	if (memchr(at, '/', length - (at - line)) && (runs || offset == 0)) {
		put("map ", 4);
		put(line, length);
		put("\n", 1);
	}
	return runs && start <= counter && counter < end;
}

/* Whether there is code where the processor was. */
static int put_maps(uintptr_t counter)
{
	static char text[8192];
	size_t have = 0;
	ssize_t got;
	int found = 0, maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (maps < 0)
		return 1;
	while ((got = read(maps, text + have, sizeof text - 1 - have)) > 0) {
		char *line = text, *end;
		have += got;
		text[have] = '\0';
		for (; (end = memchr(line, '\n', text + have - line)); line = end + 1)
			found |= put_map(line, end - line, counter);
		have -= line - text;
		memmove(text, line, have);
	}
	close(maps);
	return found;
}

static void put_title(void)
{
	char title[256];
	int line = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = line < 0 ? 0 : read(line, title, sizeof title);

	for (ssize_t at = 0; at < length; at++)
		if ((unsigned char) title[at] < ' ')
			title[at] = ' ';
	put("title ", 6);
	put(title, length > 0 ? length : 0);
	put("\n", 1);
	close(line);
}

static uintptr_t *counter_of(ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t *) &context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t *) &context->uc_mcontext.pc;
#endif
}

/* Who called a function that is not there can be unwound from, as if the call had just returned. */
static void leave_call(ucontext_t *context)
{
#if defined(__x86_64__)
	uintptr_t *top = (uintptr_t *) context->uc_mcontext.gregs[REG_RSP];
	context->uc_mcontext.gregs[REG_RIP] = *top;
	context->uc_mcontext.gregs[REG_RSP] += sizeof *top;
#elif defined(__aarch64__)
	context->uc_mcontext.pc = context->uc_mcontext.regs[30];
#endif
}

/* `at` is where the processor was; `from` are the places to which calls would have returned. */
static void put_frames(ucontext_t *context)
{
	void *frames[MAX_FRAMES + 8];
	uintptr_t counter = *counter_of(context);
	const char *kind = "at";
	int count, first = 0;

	put_number("counter", counter, 16);
	if (!put_maps(counter)) {
		put_number(kind, counter, 16);
		kind = "from";
		leave_call(context);
		counter = *counter_of(context);
	}
	count = backtrace(frames, MAX_FRAMES + 8);
	/* The first ones are this handler's. */
	for (int at = 0; at < count; at++)
		if ((uintptr_t) frames[at] == counter) {
			first = at;
			break;
		}
	for (int at = first; at < count; at++, kind = "from")
		put_number(kind, (uintptr_t) frames[at], 16);
	put("names\n", 6);
	backtrace_symbols_fd(frames + first, count - first, out);
}

static void tell(siginfo_t *info, ucontext_t *context)
{
	char path[64] = "/data/crashes/", digits[24], *from;

	if (!crashes || __atomic_add_fetch(crashes, 1, __ATOMIC_SEQ_CST) > MAX_FILES)
		return;
	mkdir("/data/crashes", 0700);
	digits[sizeof digits - 1] = '\0';
	from = number(digits + sizeof digits - 1, getpid(), 10);
	memcpy(path + strlen(path), from, digits + sizeof digits - from);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return;
	room = MAX_BYTES;
	put("pgxn-crash 1\n", 13);
	put_number("process", getpid(), 10);
	put_title();
	put_number("signal", info->si_signo, 10);
	if (info->si_code > 0)
		put_number("address", (uintptr_t) info->si_addr, 16);
	else
		put_number("sender", info->si_pid, 10);
	put_frames(context);
	put("end\n", 4);
	close(out);
}

static void die(int unused)
{
	sigset_t set;

	(void) unused;
	/* The machine's own crash handler may be called whatever the limit on core files; never for a process that may not be dumped. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(fault, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, fault);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(fault);
}

static void caught(int signal_number, siginfo_t *info, void *context)
{
	int thread = (int) syscall(SYS_gettid), nobody = 0;
	struct sigaction late = {.sa_handler = die};
	sigset_t set;

	if (__atomic_compare_exchange_n(&busy, &nobody, thread, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		fault = signal_number;
		sigaction(SIGALRM, &late, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGALRM);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		alarm(MAX_SECONDS);
		tell(info, context);
	} else if (nobody != thread) {
		/* Another thread is at it, and ends the process. */
		for (;;)
			pause();
	}
	die(0);
}

__attribute__((constructor)) static void prepare(void)
{
	struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
	void *frame;

	/* pg_ctl and the shell by which it starts the server pass through here, too. */
	if (strcmp(program_invocation_short_name, "postgres") != 0)
		return;
	/* What the server starts is no process of the server. */
	unsetenv("LD_PRELOAD");
	crashes = mmap(NULL, sizeof *crashes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crashes == MAP_FAILED)
		crashes = NULL;
	/* The first call loads libgcc, which a handler could not. */
	backtrace(&frame, 1);
	sigaltstack(&own, NULL);
	sigfillset(&action.sa_mask);
	for (size_t at = 0; at < sizeof faults / sizeof *faults; at++)
		sigaction(faults[at], &action, NULL);
}
