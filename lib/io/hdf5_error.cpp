#include "io/hdf5_error.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include "core/error.hpp"
#include "io/hdf5_lzf.hpp"

namespace toptheta::hdf5 {

namespace {

// The library calls this for each entry of its error stack, the innermost first.
herr_t collect(unsigned depth, const H5E_error2_t* entry, void* out) {
  auto& reason = *static_cast<std::string*>(out);
  const std::string_view text = entry->desc == nullptr ? "" : entry->desc;
  // For a missing filter the innermost entry is about a plug-in directory; a later one names the filter.
  if (depth == 0 || text.starts_with("required filter")) reason = text;
  return 0;
}

// Cuts a message to the part in quotes: "file write failed: time = ..., errno = 28, error message = 'No space
// left on device', ..." becomes "No space left on device".
std::string shorten(const std::string& reason) {
  constexpr std::string_view kMark = "error message = '";
  const std::size_t start = reason.find(kMark);
  if (start == std::string::npos) return reason;
  const std::size_t end = reason.find('\'', start + kMark.size());
  return reason.substr(start + kMark.size(), end - start - kMark.size());
}

// Returns the innermost reason on the library's error stack, and clears the stack.
std::string take_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &reason);
  H5Eclear2(H5E_DEFAULT);
  return reason;
}

std::string with_reason(std::string_view what, const std::string& reason) {
  return reason.empty() ? std::string(what) : fmt::format("{}: {}", what, shorten(reason));
}

// Translates messages that only the library's makers understand, and says what to do.
Problem problem_of(const std::string& where, std::string_view what, const std::string& reason) {
  const auto says = [&reason](std::string_view words) { return reason.find(words) != std::string::npos; };
  if (says("unable to lock file"))
    return {.where = where,
            .what = "another program has the file open for writing",
            .next =
                "try again once it has closed the file; tt-calibrate fit --follow reads a dump that is still "
                "being "
                "written (docs/formats.md, \"Live dumps\")"};
  if (says("already open for write"))
    return {
        .where = where,
        .what = "the file is marked as open for writing: its writer is at work, or ended without closing it",
        .next = "wait for the writer; where it is gone: h5clear -s FILE"};
  if (says("required filter"))
    return {.where = where,
            .what = with_reason(what, reason),
            .expected = "no filter, or gzip, shuffle, fletcher32, szip, lzf, scale-offset, n-bit",
            .next =
                "where the filter is installed: h5repack -f GZIP=1 IN OUT, or let HDF5_PLUGIN_PATH name the "
                "directory of its plug-in"};
  return {.where = where, .what = with_reason(what, reason)};
}

}  // namespace

void prepare_library() {
  // The library's clean-up at exit crashes if a file could not be closed because the disk was full. Our
  // handles close everything themselves. This must come before any other call of the library, and fails
  // harmlessly when it is repeated.
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  register_lzf();
}

void fail_reading(const std::string& where, std::string_view what) {
  throw InputError(problem_of(where, what, take_reason()));
}

void fail_writing(const std::string& where, std::string_view what) {
  throw UnfinishedError({.where = where, .what = with_reason(what, take_reason())});
}

Handle check_reading(std::int64_t id, Handle::Close close, const std::string& where, std::string_view what) {
  if (id < 0) fail_reading(where, what);
  return {id, close};
}

Handle check_writing(std::int64_t id, Handle::Close close, const std::string& where, std::string_view what) {
  if (id < 0) fail_writing(where, what);
  return {id, close};
}

}  // namespace toptheta::hdf5
