// Calibration states as files in memory.
#pragma once
#include <string>

#include "calibration/state.hpp"
#include "io/hdf5.hpp"

namespace toptheta::testing {

inline std::string image_of(const CalibrationState& state) {
  hdf5::File file = hdf5::File::create_in_memory("state");
  {
    hdf5::Group root = file.root();
    state.save(root);
  }
  return file.image();
}

inline void add_image(CalibrationState& state, const std::string& image) {
  const hdf5::File file = hdf5::File::open_image(image, "state");
  state.add_saved(file.root());
}

}  // namespace toptheta::testing
