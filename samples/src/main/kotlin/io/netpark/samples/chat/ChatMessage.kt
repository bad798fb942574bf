package io.netpark.samples.chat

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray

/** What a client says: one JSON object a message. */
internal sealed interface ChatMessage {

    /**
     * `{"type": "join", "name": "Ada", "token": "…"}`
     *
     * @property token a secret of the client's own choosing: who comes back with the same, is the same
     */
    data class Join(val name: String, val token: String) : ChatMessage

    /** `{"type": "say", "text": "…"}` */
    data class Say(val text: String) : ChatMessage

    companion object {
        private const val LONGEST_NAME = 32
        private const val LONGEST_TOKEN = 64
        private const val LONGEST_TEXT = 2000

        /** @throws NotUnderstood it is neither, or too long */
        fun parse(text: String): ChatMessage {
            val json = try {
                if (isFlat(text)) Json.parseToJsonElement(text) as? JsonObject else null
            } catch (_: SerializationException) {
                null
            } ?: throw NotUnderstood("That is no JSON object, or not a flat one.")
            return when (val type = json.string("type")) {
                "join" -> Join(name(json.string("name")), json.string("token").limited(LONGEST_TOKEN, "A token"))
                "say" -> Say(text(json.string("text")))
                else -> throw NotUnderstood("There is no type \"${type.take(LONGEST_NAME)}\" here.")
            }
        }

        /** Whether there is nothing within an object: a parser of JSON calls itself for each level, until the stack is full. */
        private fun isFlat(text: String): Boolean {
            var isString = false
            var isEscaped = false
            var depth = 0
            for (char in text) {
                when {
                    isEscaped -> isEscaped = false
                    isString && char == '\\' -> isEscaped = true
                    char == '"' -> isString = !isString
                    !isString && (char == '{' || char == '[') -> if (++depth > 1) return false
                    !isString && (char == '}' || char == ']') -> depth--
                }
            }
            return true
        }

        private fun JsonObject.string(key: String): String =
            (get(key) as? JsonPrimitive)?.takeIf { it.isString }?.content.orEmpty()

        private fun text(given: String): String {
            if (given.isBlank()) throw NotUnderstood("Say something.")
            return given.limited(LONGEST_TEXT, "A message")
        }

        private fun name(given: String): String {
            // Nothing that cannot be seen: it could look like somebody else's.
            val name = given.trim().replace(Regex("\\s+"), " ")
            if (name.isEmpty()) throw NotUnderstood("Say who you are.")
            if (name.codePoints().anyMatch { Character.getType(it).toByte() in INVISIBLE }) {
                throw NotUnderstood("A name has letters, digits and signs that can be seen.")
            }
            return name.limited(LONGEST_NAME, "A name")
        }

        private val INVISIBLE = setOf(
            Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
            Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
        )

        private fun String.limited(most: Int, what: String): String =
            if (codePointCount(0, length) <= most) this else throw NotUnderstood("$what has at most $most characters.")
    }
}

/** What a client has said makes no sense here; the message is for its user. */
internal class NotUnderstood(message: String) : Exception(message)

/** What clients are told: one JSON object a message. */
internal object News {

    /** To who has joined: under which name, and who is here. */
    fun welcome(name: String, here: Collection<String>): String = message("welcome") {
        put("name", name)
        putJsonArray("here") { here.forEach { add(it) } }
    }

    fun joined(name: String): String = message("joined") { put("name", name) }

    fun left(name: String, reason: String?): String = message("left") {
        put("name", name)
        if (reason != null) put("reason", reason)
    }

    /** To all, and to who said it as well: so that everybody sees the same order. */
    fun said(name: String, text: String, atMillis: Long): String = message("said") {
        put("name", name)
        put("text", text)
        put("at", atMillis)
    }

    /** To who has asked for something that cannot be. */
    fun refused(reason: String): String = message("refused") { put("reason", reason) }

    private inline fun message(type: String, build: kotlinx.serialization.json.JsonObjectBuilder.() -> Unit): String =
        buildJsonObject {
            put("type", type)
            build()
        }.toString()
}
