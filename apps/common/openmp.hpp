// How OpenMP's threads wait, and whether they can be had.
#pragma once
#include <sched.h>

namespace toptheta::app {

// The processors that the runtime's threads may use, wherever it has bound this one to.
cpu_set_t usable_by_threads();

// OpenMP's threads spin at the end of every parallel loop unless OMP_WAIT_POLICY says otherwise, which costs
// a multiple of the time wherever processors are shared. The runtime reads that variable before main(): where
// the user has not set it, this starts the program again with "passive" (after a moment of spinning), which
// takes it 25 ms. Call it before anything is written, and before MPI is initialised; it returns if there is
// nothing to do or no way to.
void wait_passively(char** argv);

// Has wait_passively() bind threads to processors as well, unless the user has set OMP_PROC_BIND. For
// measuring: programs that run side by side would be bound to the same ones.
void bind_threads();

// Starts the program again with a larger OMP_STACKSIZE where the user's is too small for the kernels, which
// keep their tiles on the stack. Call it first of all; it returns if there is nothing to do or no way to.
void grow_thread_stacks(char** argv);

// Throws UnfinishedError unless this process may have as many threads as loops will use: the runtime would
// end the program with a status of its own. Time: that of starting them once.
void require_threads(int threads);

}  // namespace toptheta::app
