// Attention's output beside that of dense attention. Only lib/attention includes this.
#pragma once
#include "attention/attention.hpp"

namespace toptheta {

// attend(), and what `listeners.output_error` asks for: the same call once more under the dense policy, and
// the differences of every query head, row by row, to listeners.counts. Memory: a second output.
void attend_beside_dense(const AttentionCall& call, KvCache& cache, const ResolvedPolicy& policy,
                         AttentionListeners listeners);

}  // namespace toptheta
