// Sinks whose state can be saved and added up, so that a calibration can be divided among machines, or
// interrupted and resumed (docs/formats.md, "Calibration parts").
#pragma once
#include "core/rows.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

class CalibrationState : public RowSink {
 public:
  // Writes everything that add() has gathered, without loss, into an empty group. Equal states give equal
  // bytes.
  virtual void save(hdf5::Group& group) const = 0;
  // Adds what another object with the same options saved, as if its rows had been added here. Throws
  // InputError naming the data set whose size or values do not fit.
  virtual void add_saved(const hdf5::Group& group) = 0;
};

}  // namespace toptheta
