// What the processes of one calibration tell each other. All of them call these in the same order.
#pragma once
#include <vector>

#include "calibrate/part.hpp"
#include "cluster/communicator.hpp"

namespace toptheta {

// Adds everybody's states of a stage to those of process 0, in rank order. Throws InputError in process 0 if
// another works on something else, PeerFailed.
void reduce_states(Communicator& cluster, const PartIdentity& identity, Stage stage,
                   CalibrationStates& states);

// The thresholds of process `from` take the place of everybody's.
void spread_thresholds(Communicator& cluster, const PartIdentity& identity, int from,
                       CalibrationStates& states);

// After resuming, processes may stand in different stages. Those in stage "sdc" have everybody's thresholds:
// where there are some, and others are behind, the latter get theirs. Returns whether they did.
bool spread_thresholds_of_those_ahead(Communicator& cluster, const PartIdentity& identity, Stage stage,
                                      CalibrationStates& states);

// Digests the inputs, each process its share; process 0 ends up with all digests.
void digest_inputs(Communicator& cluster, std::vector<CalibrationInput>& inputs);

}  // namespace toptheta
