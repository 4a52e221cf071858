// Sinks whose state can be saved and added up: what calibration on several machines, or in several sittings,
// exchanges (docs/formats.md, "Calibration parts").
#pragma once
#include "core/rows.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

class CalibrationState : public RowSink {
 public:
  // Everything that add() has gathered, exactly, into an empty group. Equal states give equal bytes.
  virtual void save(hdf5::Group& group) const = 0;
  // Adds what another state of the same options had saved, as if its rows had come here. Throws InputError
  // naming the data set where sizes or places do not fit.
  virtual void add_saved(const hdf5::Group& group) = 0;
};

}  // namespace toptheta
