// How the processes of one calibration exchange what they gathered. These functions are collective: every
// process calls them, in the same order. Any of them throws PeerFailed if another process has failed.
#pragma once
#include <vector>

#include "calibrate/part.hpp"
#include "cluster/communicator.hpp"

namespace toptheta {

// Adds the states that every process gathered in this stage to those of process 0, in rank order. Throws
// InputError in process 0 if another process works on a different calibration.
void reduce_states(Communicator& cluster, const PartIdentity& identity, Stage stage,
                   CalibrationStates& states);

// Replaces every process's thresholds by those of process `from`.
void spread_thresholds(Communicator& cluster, const PartIdentity& identity, int from,
                       CalibrationStates& states);

// After resuming, processes may be in different stages. A process in stage "sdc" already has the thresholds
// that all processes agreed on. If some are there and others are still in stage "thresholds", all take the
// thresholds of the first process that is ahead. Returns whether that happened.
bool spread_thresholds_of_those_ahead(Communicator& cluster, const PartIdentity& identity, Stage stage,
                                      CalibrationStates& states);

// Computes the inputs' SHA-256 digests, each process a share of them; process 0 ends up with all.
void digest_inputs(Communicator& cluster, std::vector<CalibrationInput>& inputs);

}  // namespace toptheta
