package io.netpark.samples.ktor

import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import java.util.concurrent.ConcurrentSkipListMap
import java.util.concurrent.atomic.AtomicLong

/** A note, as `{"id": 1, "text": "…"}`. */
internal data class Note(val id: Long, val text: String) {

    fun toJson(): JsonObject = buildJsonObject {
        put("id", id)
        put("text", text)
    }

    companion object {
        private const val LONGEST_TEXT = 2000

        /** The text of `{"text": "…"}`; null if that is something else. */
        fun textOf(json: String): String? {
            val text = try {
                (Json.parseToJsonElement(json) as? JsonObject)?.get("text") as? JsonPrimitive
            } catch (_: SerializationException) {
                null
            }
            return text?.takeIf { it.isString }?.content?.takeIf(::isText)
        }

        fun isText(text: String): Boolean = text.isNotBlank() && text.length <= LONGEST_TEXT
    }
}

/** What has become of a note. */
internal enum class Change { ADDED, REMOVED }

/** A change of the notes. */
internal data class NoteEvent(val change: Change, val note: Note)

/** The notes, in memory. Any thread may use them. */
internal class Notes {

    private val all = ConcurrentSkipListMap<Long, Note>()
    private val last = AtomicLong()
    private val events = MutableSharedFlow<NoteEvent>(extraBufferCapacity = 256, onBufferOverflow = BufferOverflow.DROP_OLDEST)

    /** What changes from now on. Who is too slow misses the oldest. */
    val changes: SharedFlow<NoteEvent> get() = events

    fun all(): List<Note> = ArrayList(all.values) // not toList(), which throws if the only one is removed meanwhile

    operator fun get(id: Long): Note? = all[id]

    fun add(text: String): Note {
        val note = Note(last.incrementAndGet(), text)
        all[note.id] = note
        if (all.size > MOST) all.pollFirstEntry()
        events.tryEmit(NoteEvent(Change.ADDED, note))
        return note
    }

    fun remove(id: Long): Note? = all.remove(id)?.also { events.tryEmit(NoteEvent(Change.REMOVED, it)) }

    private companion object {
        const val MOST = 10_000
    }
}
