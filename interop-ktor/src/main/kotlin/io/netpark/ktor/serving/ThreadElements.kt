package io.netpark.ktor.serving

import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.ThreadContextElement

/**
 * The elements of a context that put something on the thread, such as the fields of a log. kotlinx.coroutines has them do so when
 * it starts or resumes a coroutine. A coroutine that begins as a call, on the stack of another, needs this.
 */
internal class ThreadElements private constructor(
    private val context: CoroutineContext,
    private val all: List<ThreadContextElement<Any?>>,
) {
    /** Has all of them put theirs on the thread. What was there is to be [restored][restore]. */
    fun put(): List<Any?> = all.map { it.updateThreadContext(context) }

    fun restore(found: List<Any?>) {
        for (i in all.indices.reversed()) all[i].restoreThreadContext(context, found[i])
    }

    companion object {
        /** Those of [context]; null if there are none. An [Occupation] is none of them: it is known where a call begins. */
        fun of(context: CoroutineContext): ThreadElements? {
            val all = context.fold(emptyList<ThreadContextElement<Any?>>()) { found, element ->
                @Suppress("UNCHECKED_CAST")
                if (element is ThreadContextElement<*> && element !is Occupation) found + (element as ThreadContextElement<Any?>) else found
            }
            return if (all.isEmpty()) null else ThreadElements(context, all)
        }
    }
}
