// Dumps that another process is still writing (docs/formats.md, "Live dumps").
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace toptheta {

// The content of the data set `progress`, two integers: how many samples, in name order, are complete, and
// whether the writer has ended.
struct LiveProgress {
  std::int64_t samples = 0;
  bool ended = false;
};

// The writer's current progress; nullopt while the file does not exist or the writer has not made it
// readable. Throws InputError where the file is readable but not a live dump.
std::optional<LiveProgress> live_progress(const std::filesystem::path& path);

// Whether the writer has closed the file, so that it will not change any more.
bool is_closed_by_writer(const std::filesystem::path& path);

}  // namespace toptheta
