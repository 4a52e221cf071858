// Inside dump: what a dump's groups and data sets say once more of what its header has said for all of them.
#pragma once
#include "dump/header.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

// Throws InputError where an attribute of the object has the name of one of the header's, which counts for
// the whole dump, and another value: a scale of one layer alone, say, would be left unused.
void require_agreement(const hdf5::Object& object, const DumpHeader& header);

}  // namespace toptheta
