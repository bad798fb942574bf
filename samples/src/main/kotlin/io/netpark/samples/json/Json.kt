package io.netpark.samples.json

/** The JSON of maps, lists, strings, numbers, booleans and null, with an entry in each line. */
internal fun json(value: Any?): String = StringBuilder().apply { appendJson(value, "\n") }.toString()

/** [line] begins a new line at the present depth. */
private fun StringBuilder.appendJson(value: Any?, line: String) {
    when (value) {
        null, is Boolean, is Int, is Long -> append(value)
        is Double -> {
            require(value.isFinite()) { "JSON has no $value" }
            append(value)
        }
        is String -> appendString(value)
        is List<*> -> appendEntries('[', ']', value, line) { appendJson(it, "$line  ") }
        is Map<*, *> -> appendEntries('{', '}', value.entries, line) { (key, entry) ->
            appendString(key as String)
            append(": ")
            appendJson(entry, "$line  ")
        }
        else -> throw IllegalArgumentException("not for JSON: $value")
    }
}

private fun <T> StringBuilder.appendEntries(
    begin: Char,
    end: Char,
    entries: Collection<T>,
    line: String,
    appendEntry: (T) -> Unit,
) {
    append(begin)
    entries.forEachIndexed { index, entry ->
        if (index > 0) append(',')
        append(line).append("  ")
        appendEntry(entry)
    }
    if (entries.isNotEmpty()) append(line)
    append(end)
}

/** In ASCII: standard output has whatever encoding the locale says, JSON only one. */
private fun StringBuilder.appendString(string: String) {
    append('"')
    for (char in string) {
        when (char) {
            '"', '\\' -> append('\\').append(char)
            in ' '..'~' -> append(char)
            else -> append("\\u").append(char.code.toString(16).padStart(4, '0'))
        }
    }
    append('"')
}
