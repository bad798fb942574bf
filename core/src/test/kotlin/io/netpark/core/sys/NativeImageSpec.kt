package io.netpark.core.sys

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.testing.NetparkSpec
import java.lang.invoke.MethodHandle
import java.lang.reflect.Modifier
import java.nio.file.Path
import kotlin.io.path.extension
import kotlin.io.path.nameWithoutExtension
import kotlin.io.path.readText
import kotlin.io.path.walk

private val MAIN = Path.of("src/main/java")
private val FOREIGN = Path.of("src/main/java22")
private val VARIADIC = Regex("""MethodHandle (\w+) = variadic\(""")
private val FIRST_VARIADIC = Regex("""firstVariadicArg\((\d+)\)""")
private val CONCRETE_CLASS = Regex("""(?m)^(public )?final class """)
private const val METADATA = "META-INF/native-image/io.netpark/netpark-core/reachability-metadata.json"

/**
 * What the jar tells the builder of native images about the two bindings: classes that are loaded by name, native methods that JNA
 * registers, and what the foreign functions look like.
 */
class NativeImageSpec : NetparkSpec(body = {
    val text = ClassLoader.getSystemResource(METADATA).readText()

    /** Of a source folder, the classes whose sources [matches]. */
    fun classes(folder: Path, matches: (String) -> Boolean): List<String> = folder.walk()
        .filter { it.extension == "java" && matches(it.readText()) }
        .map { folder.relativize(it.parent).joinToString(".") + "." + it.nameWithoutExtension }
        .sorted().toList()

    val byName = classes(FOREIGN) { CONCRETE_CLASS.containsMatchIn(it) }
    val native = classes(MAIN) { "static native" in it }
        .flatMap { Class.forName(it).declaredClasses.toList() }
        .filter { type -> type.declaredMethods.any { Modifier.isNative(it.modifiers) } }
        .map { it.name }.sorted()
    val reflection = byName.map { """{ "type": "$it", "methods": [{ "name": "<init>" }] }""" } +
        native.map { """{ "type": "$it", "allDeclaredMethods": true, "jniAccessible": true }""" }
    val begin = reflection.joinToString(",\n    ", "{\n  \"reflection\": [\n    ", "\n  ],\n  \"foreign\": {\n    \"downcalls\": [\n      ")

    test("the classes that are loaded by name are named, and those whose native methods JNA registers") {
        text shouldStartWith begin
    }

    test("the foreign functions look as they are linked").config(enabled = Binding.FFM.unavailability() == null) {
        Binding.FFM.open() // links
        val sources = classes(FOREIGN) { true }.associateWith { FOREIGN.resolve(it.replace('.', '/') + ".java").readText() }
        val firstVariadic = sources.values.firstNotNullOf { FIRST_VARIADIC.find(it) }.groupValues[1].toInt()
        val downcalls = sources.flatMap { (name, source) ->
            val variadic = VARIADIC.findAll(source).map { it.groupValues[1] }.toSet()
            Class.forName(name).declaredFields
                .filter { Modifier.isStatic(it.modifiers) && it.type == MethodHandle::class.java }
                .mapNotNull { field ->
                    field.isAccessible = true
                    val handle = field.get(null) as MethodHandle? // null for what this C library does not have
                    handle?.let { Downcall.of(it, firstVariadic.takeIf { field.name in variadic }) }
                }
        }
        val lines = downcalls.toSet().sortedWith(compareBy({ it.options }, { it.returnType }, { it.parameters.size }))
        text shouldBe begin + lines.joinToString(",\n      ") + "\n    ]\n  }\n}\n"
    }
})

/** A line of the metadata. */
private data class Downcall(val returnType: String, val parameters: List<String>, val options: String) {

    override fun toString(): String {
        val types = parameters.joinToString { "\"$it\"" }
        return """{ "returnType": "$returnType", "parameterTypes": [$types]$options }"""
    }

    companion object {
        /** @param firstVariadic number of the first argument that may be missing; null if none may */
        fun of(handle: MethodHandle, firstVariadic: Int?): Downcall {
            val type = handle.type()
            val captures = type.parameterCount() > 0 && type.parameterType(0).name == "java.lang.foreign.MemorySegment"
            val options = listOfNotNull(
                if (captures) "\"captureCallState\": true" else null,
                firstVariadic?.let { "\"firstVariadicArg\": $it" },
            )
            return Downcall(
                layout(type.returnType()),
                type.parameterList().drop(if (captures) 1 else 0).map(::layout),
                if (options.isEmpty()) "" else options.joinToString(", ", ", \"options\": { ", " }"),
            )
        }

        private fun layout(type: Class<*>): String = if (type == Void.TYPE) "void" else "j$type"
    }
}
