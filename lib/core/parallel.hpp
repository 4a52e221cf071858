// Parallel loops over independent pieces of work.
//
// Results must not depend on the number of threads: pieces are chosen by the problem, never by the thread
// count, and whatever they produce is combined in the order of their indices.
#pragma once
#include <cstdint>
#include <functional>

namespace toptheta {

// Number of threads that parallel loops use. 0 restores the default (OMP_NUM_THREADS, else all processors).
void set_thread_count(int threads);
int thread_count();

// Runs body(index) for 0 <= index < count, dealt out dynamically one by one. If pieces throw, the exception
// of the lowest throwing index is rethrown after all running pieces have ended; later pieces may be skipped.
// Called inside another parallel loop it runs serially. `most_threads`: where each piece needs much memory;
// 0: no limit.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t index)>& body,
                  int most_threads = 0);

}  // namespace toptheta
