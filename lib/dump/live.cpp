#include "dump/live.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

namespace {

// Nothing where the file cannot be opened. HDF5 does not say why, and a writer that is about to switch to
// SWMR looks like any other program that holds the file.
template <class Open>
std::optional<hdf5::File> try_open(const Open& open) {
  try {
    return open();
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<LiveProgress> live_progress(const std::filesystem::path& path) {
  const auto file = try_open([&] { return hdf5::File::open_live(path); });
  if (!file) return std::nullopt;
  const hdf5::Group root = file->root();
  if (!root.has("progress"))
    throw InputError({.where = path.string(),
                      .what = "not a live dump: it has no data set 'progress'",
                      .expected = "two integers: complete samples, and 1 once the writer has ended",
                      .next = "give a finished dump without --follow; for a live one see docs/formats.md"});
  const hdf5::Dataset dataset = root.open_dataset("progress");
  if (dataset.dims() != hdf5::Dims{2} || !hdf5::is_integer(dataset.element()))
    throw InputError({.where = dataset.where(),
                      .what = "wrong shape or type",
                      .expected = "two integers",
                      .found = hdf5::format_dims(dataset.dims())});
  const auto values = dataset.read<std::int64_t>();
  if (values[0] < 0 || values[1] < 0 || values[1] > 1)
    throw InputError({.where = dataset.where(),
                      .what = "impossible progress",
                      .expected = "complete samples, and 0 or 1",
                      .found = fmt::format("{}, {}", values[0], values[1])});
  return LiveProgress{values[0], values[1] == 1};
}

bool is_closed_by_writer(const std::filesystem::path& path) {
  return try_open([&] { return hdf5::File::open(path); }).has_value();
}

}  // namespace toptheta
