package io.netpark.samples.json

/** Reads JSON by its grammar, and nothing that it does not allow: maps, lists, strings, numbers, booleans, null. */
internal fun parsedJson(text: String): Any? = JsonParser(text).whole()

private class JsonParser(private val text: String) {

    private var at = 0

    fun whole(): Any? = value().also { if (peek() != null) fail("the end") }

    private fun value(): Any? = when (peek()) {
        '{' -> entries('}') { string().also { expect(':') } to value() }.also { pairs ->
            check(pairs.map { it.first }.toSet().size == pairs.size) { "a key twice in $pairs" }
        }.toMap()
        '[' -> entries(']', ::value)
        '"' -> string()
        else -> literal()
    }

    private fun <T> entries(end: Char, entry: () -> T): List<T> {
        at++
        val found = mutableListOf<T>()
        if (peek() != end) {
            do found += entry() while (peek() == ',' && at++ >= 0)
        }
        expect(end)
        return found
    }

    private fun string(): String {
        val token = token(Regex(""""([^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"""")) ?: fail("a string")
        return Regex("""\\(u(....)|.)""").replace(token.drop(1).dropLast(1)) { escape ->
            val code = escape.groupValues[2]
            if (code.isNotEmpty()) "${code.toInt(16).toChar()}"
            else mapOf("b" to "\b", "f" to "\u000c", "n" to "\n", "r" to "\r", "t" to "\t")
                .getOrDefault(escape.groupValues[1], escape.groupValues[1])
        }
    }

    private fun literal(): Any? = when (val token = token(LITERAL)) {
        null -> fail("a value")
        "true" -> true
        "false" -> false
        "null" -> null
        else -> token.toLongOrNull() ?: token.toDouble()
    }

    private fun token(pattern: Regex): String? {
        peek()
        return pattern.matchAt(text, at)?.value?.also { at += it.length }
    }

    /** The next character that is no white space. */
    private fun peek(): Char? {
        while (at < text.length && text[at] in " \t\r\n") at++
        return text.getOrNull(at)
    }

    private fun expect(char: Char) {
        if (peek() != char) fail("$char")
        at++
    }

    private fun fail(expected: String): Nothing = error("$expected expected at $at: ${text.drop(at).take(40)}")

    private companion object {
        val LITERAL = Regex("""true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?""")
    }
}
