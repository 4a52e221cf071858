#include "tt_eval/sampling_flags.hpp"

#include <algorithm>

#include "common/common_flags.hpp"
#include "core/error.hpp"

namespace toptheta::app {

void declare_sampling(CLI::App& app, SamplingRequest& request) {
  constexpr const char* kGroup = "Sampling";
  app.add_flag("--sample", request.sample,
               "Draw tokens at random (--seed), as generation_config.json or the flags below say. Without "
               "any of these flags the most likely token is taken")
      ->group(kGroup);
  app.add_option("--temperature", request.temperature,
                 "Divide the logits by T; 0 = take the most likely token")
      ->type_name("T")
      ->check(non_negative())
      ->group(kGroup);
  app.add_option("--top-k", request.top_k, "Draw from the K most likely tokens only; 0 = all")
      ->type_name("K")
      ->check(non_negative())
      ->group(kGroup);
  app.add_option(
         "--top-p", request.top_p,
         "Draw only from the most likely tokens that together reach this probability; above 0, at most 1")
      ->type_name("P")
      ->check(CLI::Range(1e-6, 1.0).description(""))
      ->group(kGroup);
}

void declare_stop(CLI::App& app, std::vector<std::string>& stop, const std::string& group,
                  const std::string& description) {
  app.add_option("--stop", stop, description)->type_name("TEXT")->group(group);
}

void check_stop(const std::vector<std::string>& stop) {
  if (std::ranges::any_of(stop, &std::string::empty))
    throw UsageError(
        {.where = "--stop", .what = "an empty text would stop everywhere", .expected = "some text"});
}

void declare_chat(CLI::App& app, ChatFlags& flags, const std::string& group, const std::string& chat) {
  app.add_flag("--chat", flags.chat, chat)->group(group);
  app.add_option("--system", flags.system, "With --chat: put this system message first")
      ->type_name("TEXT")
      ->group(group);
}

void check_chat(const ChatFlags& flags) {
  if (!flags.system.empty() && !flags.chat)
    throw UsageError(
        {.where = "--system", .what = "means nothing without a chat template", .next = "add --chat"});
}

}  // namespace toptheta::app
