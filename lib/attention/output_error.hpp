// Compares attention's output with that of dense attention. Internal to lib/attention.
#pragma once
#include "attention/attention.hpp"

namespace toptheta {

// Does attend() and what listeners.output_error asks for: computes the same call again under the dense
// policy, and adds the differences of every query head, row by row, to listeners.counts. Memory: a second
// output.
void attend_beside_dense(const AttentionCall& call, KvCache& cache, const ResolvedPolicy& policy,
                         AttentionListeners listeners);

}  // namespace toptheta
