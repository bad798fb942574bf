package io.netpark.core.sys

/** Asks for the default three times. For a JVM of its own, in which it is not to be had. */
fun main() = repeat(3) {
    try {
        println("told: nothing is wrong with ${Binding.defaultLibC()}")
    } catch (e: Throwable) {
        println("told: $e caused by ${e.cause}".replace('\n', ' '))
    }
}
