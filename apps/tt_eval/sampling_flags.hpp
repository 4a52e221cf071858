// --sample, --temperature, --top-k, --top-p, --chat, --system: how a model is asked and how it answers.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "model/generation_config.hpp"

namespace toptheta::app {

void declare_sampling(CLI::App& app, SamplingRequest& request);

// --stop. Throws UsageError for an empty text.
void declare_stop(CLI::App& app, std::vector<std::string>& stop, const std::string& group,
                  const std::string& description);
void check_stop(const std::vector<std::string>& stop);

struct ChatFlags {
  bool chat = false;
  std::string system{};
};
// `chat` is the description of the flag.
void declare_chat(CLI::App& app, ChatFlags& flags, const std::string& group, const std::string& chat);
// Throws UsageError for --system without --chat.
void check_chat(const ChatFlags& flags);

}  // namespace toptheta::app
