package io.netpark.coroutines

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import java.lang.reflect.Modifier
import kotlin.io.path.Path
import kotlin.io.path.extension
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.io.path.walk

/**
 * What is inlined into code of others stays there; so what it calls is little, in one place, and does not change by accident. So it is
 * with what this calls of others that may change.
 */
class SeamSpec : FunSpec({
    test("what inlined functions call is in the Seam.kt of its package, and nowhere else") {
        Path("src/main/kotlin").walk()
            .filter { it.extension == "kt" && it.name != "Seam.kt" && "@PublishedApi" in it.readText() }
            .map { it.name }
            .toList() shouldBe emptyList()
    }

    test("what kotlinx.coroutines does not promise to keep is used in LoopTimers.kt, and nowhere else") {
        val unstable = Regex("@OptIn|InternalCoroutinesApi|ExperimentalCoroutinesApi|DelicateCoroutinesApi|@Suppress")
        Path("src/main/kotlin").walk()
            .filter { it.extension == "kt" && it.name != "LoopTimers.kt" && unstable.containsMatchIn(it.readText()) }
            .map { it.name }
            .toList() shouldBe emptyList()
    }

    test("the seam is what it was") {
        val rooms = listOf("io.netpark.coroutines", "io.netpark.coroutines.parking", "io.netpark.coroutines.messages")
        Path("src/main/kotlin").walk().count { it.name == "Seam.kt" } shouldBe rooms.size
        val published = rooms.flatMap { room ->
            Regex("""@PublishedApi\s+internal (?:suspend )?(?:inline )?(?:fun|const val) (?:\w+\.)?(\w+)""")
                .findAll(Path("src/main/kotlin/${room.replace('.', '/')}/Seam.kt").readText())
                .map { it.groupValues[1] }
        }.toSet()
        val seams = rooms.map { Class.forName("$it.Seam") }
        val functions = seams.flatMap { it.declaredMethods.asList() }
            .filter { Modifier.isPublic(it.modifiers) && it.name in published }
            .map { method -> method.name + method.parameterTypes.joinToString(", ", "(", ")") { it.simpleName } }
        functions shouldContainExactlyInAnyOrder listOf(
            "perform(Function2, Function1, Continuation)",
            "pause(Connection, int, Continuation)",
            "readStep(Connection, int, CoroutineContext, ByteBuffer)",
            "writeStep(Connection, int, CoroutineContext, ByteBuffer)",
            "requestStep(Connection, int, CoroutineContext)",
            "pause(Reader, int, Continuation)",
            "awaitStep(Reader, int, CoroutineContext, int, boolean)",
            "pause(Writer, int, Continuation)",
            "moreStep(Reader, int, CoroutineContext)",
            "flushStep(Writer, int, CoroutineContext, boolean)",
            "writeStep(Writer, int, CoroutineContext, ByteBuffer)",
            "isMuch(Writer, int)",
            "writeMuch(Writer, byte[], int, int, Continuation)",
            "pause(MessageSocket, int, Continuation)",
            "receiveStep(MessageSocket, int, CoroutineContext, ByteBuffer, Envelope)",
            "receiveStep(MessageSocket, int, CoroutineContext, MessageBatch)",
            "sendStep(MessageSocket, int, CoroutineContext, ByteBuffer, SocketAddress)",
            "sendStep(MessageSocket, int, CoroutineContext, MessageBatch)",
        )
        val constants = seams.flatMap { it.declaredFields.asList() }
            .filter { Modifier.isPublic(it.modifiers) && it.name in published }
            .associate { it.name to it.getInt(null) }
        constants shouldBe mapOf("BEGIN" to 0, "PAUSE" to -2)
        published.size shouldBe (functions.map { it.substringBefore('(') } + constants.keys).toSet().size
    }
})
