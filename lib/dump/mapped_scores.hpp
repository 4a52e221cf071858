// Inside dump: scores that stand in the file as they are wanted, read from the page cache without a copy.
#pragma once
#include <cstddef>
#include <optional>
#include <span>

#include "dump/header.hpp"
#include "dump/stream.hpp"
#include "io/hdf5.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

// The bytes of a data set that is contiguous, in the machine's byte order, without filters and wholly within
// `file`; nothing for any other, which HDF5 must read.
std::optional<std::span<const std::byte>> mapped_bytes(const hdf5::Dataset& dataset, const MappedFile& file);

// As stream_scores(), from `bytes` of the layer's scores in `file`. Heads are read in parallel, some rows at
// a time; float32 goes to the sink where it stands, other types are widened, up to each row's causal limit.
// Pages are given back behind the reading. Memory: for each thread, kTileBytes of floats or one row.
void stream_mapped_scores(const LayerRows& layer, const DumpHeader& header, const MappedFile& file,
                          std::span<const std::byte> bytes, RowSink& sink);

}  // namespace toptheta
