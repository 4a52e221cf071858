// How OpenMP's threads wait, and whether enough of them can be started.
#pragma once
#include <sched.h>

namespace toptheta::app {

// The processors that the runtime's threads may use, whatever it has bound this thread to.
cpu_set_t usable_by_threads();

// OpenMP's threads spin at the end of every parallel loop unless OMP_WAIT_POLICY says otherwise. This
// multiplies the time if processors are shared. The runtime reads the variable before main(), so if the user
// has not set it, this function restarts the program with "passive" (after a moment of spinning), which takes
// 25 ms. Call it before anything is written, and before MPI is initialised. It returns if there is nothing to
// do, or if the restart fails.
void wait_passively(char** argv);

// Makes wait_passively() also bind threads to processors, unless the user has set OMP_PROC_BIND. Only for
// measurements, because programs that run at the same time would be bound to the same processors.
void bind_threads();

// Restarts the program with a larger OMP_STACKSIZE if the user's is too small for the kernels, which keep
// their tiles on the stack. Call it first. It returns if there is nothing to do, or if the restart fails.
void grow_thread_stacks(char** argv);

// Throws UnfinishedError if this process cannot start as many threads as loops will use, because the runtime
// would then end the program with another status. Cost: starting the threads once.
void require_threads(int threads);

}  // namespace toptheta::app
