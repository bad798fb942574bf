package io.netpark.coroutines.parking

import java.util.function.Supplier
import kotlin.coroutines.Continuation
import kotlin.coroutines.jvm.internal.CoroutineStackFrame

/*
 * Where a suspended coroutine goes on, by file and line, for somebody who looks. Nothing is recorded when a coroutine suspends: the
 * compiler has written into each function's continuation where its points of suspension are.
 */

/** A chain is as deep as the calls of suspending functions; recursion could make it longer than anybody reads. */
private const val MOST_FRAMES = 64

/**
 * The functions that are suspended, the innermost first, without Netpark's own. This is called on the thread that would resume the
 * coroutine, or else the frames may be of different moments. What it returns may read class files.
 */
internal fun Continuation<*>.suspendedAt(): Supplier<List<StackTraceElement>> {
    val frames = ArrayList<Frame>()
    var frame = this as? CoroutineStackFrame
    var depth = 0
    while (frame != null && depth++ < MOST_FRAMES) {
        frame.getStackTraceElement()?.let { frames += Frame(frame.javaClass, it) }
        frame = frame.callerFrame
    }
    return Supplier { frames.filterNot { it.isOwn }.ifEmpty { frames }.map { it.inSource() } }
}

/** @param type the class of the continuation of a function. The function itself may be in another one. */
private class Frame(val type: Class<*>, val element: StackTraceElement) {

    val isOwn: Boolean get() = type.protectionDomain?.codeSource?.location.let { it != null && it == OWN }

    /** With a line that is in the source file. */
    fun inSource(): StackTraceElement = with(element) {
        val function = className.substringAfterLast('/') // behind the name of a module
        val line = LINES[type].of(type, function).callOf(methodName, lineNumber)
        StackTraceElement(classLoaderName, moduleName, moduleVersion, function, methodName, fileName, line)
    }

    /** Read once, as long as there is the class. */
    private class Lines {
        @Volatile private var read: InlinedLines? = null

        fun of(neighbour: Class<*>, function: String): InlinedLines = read ?: InlinedLines.of(neighbour, function).also { read = it }
    }

    private companion object {
        val OWN = Parking::class.java.protectionDomain?.codeSource?.location

        val LINES = object : ClassValue<Lines>() {
            override fun computeValue(type: Class<*>) = Lines()
        }
    }
}
