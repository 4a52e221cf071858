// Parallel loops over independent pieces of work.
//
// Results must not depend on the number of threads. So work is cut into pieces by the size of the problem,
// never by the number of threads, and what the pieces produce is combined in the order of their indices.
#pragma once
#include <cstdint>
#include <functional>

namespace toptheta {

// Sets how many threads parallel loops use; 0 restores the default (OMP_NUM_THREADS, else all processors).
void set_thread_count(int threads);
int thread_count();

// Runs body(index) for 0 <= index < count, handing out the indices to threads as they become free. If pieces
// throw, the exception of the lowest index is rethrown once all running pieces have ended; later pieces may
// be skipped. Inside another parallel loop it runs serially. `most_threads` limits the number of threads
// where each piece needs much memory; 0 means no limit.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t index)>& body,
                  int most_threads = 0);

}  // namespace toptheta
