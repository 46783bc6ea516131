#include "client/command/value_text.h"

#include <cmath>
#include <type_traits>
#include <variant>

#include "client/command/table.h"
#include "client/command/tsv.h"

namespace kvmesh::command {
namespace {

// Of a double that may be none that JSON knows.
std::string number_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return Value{number}.to_json();  // the shortest that reads back as the same
}

class Writer {
 public:
  explicit Writer(std::size_t width) : width_(width) {}

  // `used`: columns that stand before it on its line.
  void write(const Value& value, std::size_t indent, std::size_t used) {
    const std::string line = one_line(value);
    const bool fits = used + display_width(line) <= width_;
    const auto* list = fits ? nullptr : value.get_if<Value::List>();
    const auto* map = fits ? nullptr : value.get_if<Value::Map>();
    if (list != nullptr && !list->empty()) {
      write_all(*list, '[', ']', indent, [&](const Value& element) {
        write(element, indent + kIndent, indent + kIndent + 1);
      });
    } else if (map != nullptr && !map->empty()) {
      write_all(*map, '{', '}', indent, [&](const auto& entry) {
        const std::string name = quoted_text(entry.first) + ": ";
        out_ += name;
        write(entry.second, indent + kIndent, indent + kIndent + display_width(name) + 1);
      });
    } else {
      out_ += line;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  static constexpr std::size_t kIndent = 2;

  template <typename Elements, typename Write>
  void write_all(const Elements& elements, char open, char close, std::size_t indent,
                 Write&& write_element) {
    out_ += open;
    bool first = true;
    for (const auto& element : elements) {
      out_ += first ? "\n" : ",\n";
      first = false;
      out_.append(indent + kIndent, ' ');
      write_element(element);
    }
    out_ += '\n';
    out_.append(indent, ' ');
    out_ += close;
  }

  static std::string one_line(const Value& value) {
    return std::visit(
        [&](const auto& held) -> std::string {
          using Held = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<Held, std::monostate>) {
            return "nil";
          } else if constexpr (std::is_same_v<Held, std::string>) {
            return quoted_text(held);
          } else if constexpr (std::is_same_v<Held, Bytes>) {
            return "b" + quoted_text(held.data);
          } else if constexpr (std::is_same_v<Held, double>) {
            return number_text(held);
          } else if constexpr (std::is_same_v<Held, Value::List>) {
            std::string out = "[";
            for (const auto& element : held) {
              out += (out.size() > 1 ? ", " : "") + one_line(element);
            }
            return out + "]";
          } else if constexpr (std::is_same_v<Held, Value::Map>) {
            std::string out = "{";
            for (const auto& [name, element] : held) {
              out += (out.size() > 1 ? ", " : "") + quoted_text(name) + ": " + one_line(element);
            }
            return out + "}";
          } else {
            return value.to_json();
          }
        },
        value.data());
  }

  std::size_t width_;
  std::string out_;
};

}  // namespace

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : escape(text)) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string value_text(const Value& value, std::size_t width) {
  Writer writer{width};
  writer.write(value, 0, 0);
  return writer.take();
}

}  // namespace kvmesh::command
