// Dumps that another process is still writing (docs/formats.md, "Live dumps").
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace toptheta {

// The data set `progress`, two integers: how many samples are complete, in name order; and whether the writer
// has ended.
struct LiveProgress {
  std::int64_t samples = 0;
  bool ended = false;
};

// What the writer says now; nullopt while there is no such file yet, or the writer has not made it readable.
// Throws InputError where the file is readable and no live dump.
std::optional<LiveProgress> live_progress(const std::filesystem::path& path);

// Whether the writer has closed the file, so that it will not change any more.
bool is_closed_by_writer(const std::filesystem::path& path);

}  // namespace toptheta
