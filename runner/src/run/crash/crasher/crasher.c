/* Every way in which an extension takes a server process down. */
#include "postgres.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(crash);

extern PGDLLEXPORT void _PG_init(void);
extern PGDLLEXPORT void crash_worker(Datum how);

static int (*volatile no_function) (int);
static volatile int zero;

static pg_noinline int
follow(volatile int *pointer)
{
	return *pointer;
}

static pg_noinline int
descend(volatile int depth)
{
	volatile char room[512];

	room[0] = (char) depth;
	return descend(depth + 1) + room[0];
}

static pg_noinline int
insist(void)
{
	assert(zero == 1);
	return 0;
}

void
_PG_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		follow(NULL);
}

void
crash_worker(Datum how)
{
	BackgroundWorkerUnblockSignals();
	follow(NULL);
}

static void
start_worker(void)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "crasher", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "crash_worker", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "crash worker 1", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "crash worker", sizeof(worker.bgw_type));
	worker.bgw_notify_pid = MyProcPid;
	RegisterDynamicBackgroundWorker(&worker, &handle);
	WaitForBackgroundWorkerShutdown(handle);
}

Datum
crash(PG_FUNCTION_ARGS)
{
	char	   *how = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			got = 0;

	if (strcmp(how, "pointer") == 0)
		got = follow(NULL);
	else if (strcmp(how, "function") == 0)
		got = no_function(1);
	else if (strcmp(how, "stack") == 0)
		got = descend(1);
	else if (strcmp(how, "assertion") == 0)
		got = insist();
	else if (strcmp(how, "division") == 0)
		got = 42 / zero;
	else if (strcmp(how, "kill") == 0)
		kill(MyProcPid, SIGKILL);
	else if (strcmp(how, "worker") == 0)
		start_worker();
	PG_RETURN_INT32(got);
}
