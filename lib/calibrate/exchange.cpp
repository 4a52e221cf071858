#include "calibrate/exchange.hpp"

#include <fmt/format.h>

#include <sstream>

namespace toptheta {

namespace {

std::string process_name(int rank) {
  return fmt::format("process {}", rank);
}

void add(const CalibrationPart& part, Stage stage, CalibrationStates& states) {
  stage == Stage::sdc ? states.add_saved_sdc(part.states()) : states.add_saved_thresholds(part.states());
}

}  // namespace

void reduce_states(Communicator& cluster, const PartIdentity& identity, Stage stage,
                   CalibrationStates& states) {
  if (cluster.rank() != 0) {
    cluster.send(0, part_image(process_name(cluster.rank()), identity, states, stage));
    return;
  }
  for (int from = 1; from < cluster.size(); ++from) {
    const CalibrationPart part = part_from_image(cluster.receive(from), process_name(from));
    require_same_calibration(identity, process_name(0), part.identity, part.path);
    add(part, stage, states);
  }
}

void spread_thresholds(Communicator& cluster, const PartIdentity& identity, int from,
                       CalibrationStates& states) {
  if (cluster.rank() == from) {
    const std::string image = part_image(process_name(from), identity, states, Stage::thresholds);
    for (int to = 0; to < cluster.size(); ++to)
      if (to != from) cluster.send(to, image);
    return;
  }
  const CalibrationPart part = part_from_image(cluster.receive(from), process_name(from));
  states.clear_thresholds();
  add(part, Stage::thresholds, states);
}

bool spread_thresholds_of_those_ahead(Communicator& cluster, const PartIdentity& identity, Stage stage,
                                      CalibrationStates& states) {
  // Every process learns the stages of all: one character per rank.
  std::string stages(1, stage == Stage::sdc ? 's' : 't');
  if (cluster.rank() == 0) {
    for (int from = 1; from < cluster.size(); ++from)
      stages += cluster.receive(from);
    for (int to = 1; to < cluster.size(); ++to)
      cluster.send(to, stages);
  } else {
    cluster.send(0, stages);
    stages = cluster.receive(0);
  }
  const std::size_t ahead = stages.find('s');
  if (ahead == std::string::npos || stages.find('t') == std::string::npos) return false;
  spread_thresholds(cluster, identity, static_cast<int>(ahead), states);
  return true;
}

void digest_inputs(Communicator& cluster, std::vector<CalibrationInput>& inputs) {
  digest_share(inputs, {cluster.rank(), cluster.size()});
  if (cluster.rank() != 0) {
    std::string lines;
    for (const CalibrationInput& input : inputs)
      lines += input.sha256 + "\n";
    cluster.send(0, lines);
    return;
  }
  for (int from = 1; from < cluster.size(); ++from) {
    std::istringstream lines(cluster.receive(from));
    std::string digest;
    for (CalibrationInput& input : inputs)
      if (std::getline(lines, digest) && input.sha256.empty()) input.sha256 = digest;
  }
}

}  // namespace toptheta
