// How idle threads wait.
#pragma once

namespace toptheta::app {

// OpenMP's threads spin at the end of every parallel loop unless OMP_WAIT_POLICY says otherwise, which costs
// a multiple of the time wherever processors are shared. The runtime reads that variable before main(): where
// the user has not set it, this starts the program again with "passive" (after a moment of spinning), which
// takes it 25 ms. Call it before anything is written, and before MPI is initialised; it returns if there is
// nothing to do or no way to.
void wait_passively(char** argv);

// Has wait_passively() bind threads to processors as well, unless the user has set OMP_PROC_BIND. For
// measuring: programs that run side by side would be bound to the same ones.
void bind_threads();

}  // namespace toptheta::app
