package io.netpark.samples.doctor

import com.sun.management.HotSpotDiagnosticMXBean
import io.netpark.core.sys.Binding
import java.lang.management.ManagementFactory
import java.security.GeneralSecurityException
import java.security.Security
import javax.net.ssl.SSLContext

/** What the JVM tells of itself. */
internal data class Jvm(
    val feature: Int,
    val version: String,
    val vendor: String,
    val system: String,
    val architecture: String,
    val processors: Int,
    /** Whether Netpark may call native code without a warning; null before JDK 22, which does not ask. */
    val nativeAccess: Boolean?,
    /** In bytes, as the next. */
    val maxHeap: Long,
    /** Null if this JVM does not tell. */
    val maxDirect: Long?,
    /** The value of [Binding.PROPERTY], if it is there. */
    val bindingProperty: String?,
    /** Versions of TLS that are enabled. */
    val tlsProtocols: List<String>,
    /** Who can speak TLS, the first choice first. */
    val tlsProviders: List<String>,
    /** Whether it encrypts with instructions that the processor has for AES; null if this JVM does not tell. */
    val usesAes: Boolean?,
) {
    companion object {
        /** To be asked before any native call: the first one that is warned of grants the access for the rest. */
        fun running(): Jvm = Jvm(
            feature = Runtime.version().feature(),
            version = property("java.runtime.version"),
            vendor = property("java.vendor"),
            system = property("os.name"),
            architecture = property("os.arch"),
            processors = Runtime.getRuntime().availableProcessors(),
            nativeAccess = nativeAccess(),
            maxHeap = Runtime.getRuntime().maxMemory(),
            maxDirect = maxDirect(),
            bindingProperty = System.getProperty(Binding.PROPERTY),
            tlsProtocols = tlsProtocols(),
            tlsProviders = Security.getProviders("SSLContext.TLS")?.map { it.name }.orEmpty(),
            usesAes = option("UseAES")?.toBooleanStrictOrNull(),
        )

        private fun property(name: String): String = System.getProperty(name, "unknown")

        /** By reflection, for this is compiled for JDK 17. */
        private fun nativeAccess(): Boolean? = try {
            Module::class.java.getMethod("isNativeAccessEnabled").invoke(Binding::class.java.module) as Boolean
        } catch (_: NoSuchMethodException) {
            null
        }

        private fun tlsProtocols(): List<String> = try {
            SSLContext.getDefault().defaultSSLParameters.protocols.toList()
        } catch (_: GeneralSecurityException) {
            emptyList() // nobody speaks it, or its trust store cannot be read
        }

        private fun maxDirect(): Long? {
            val size = option("MaxDirectMemorySize")?.toLongOrNull()
            return if (size == 0L) Runtime.getRuntime().maxMemory() else size // 0: as much as the heap
        }

        private fun option(name: String): String? = try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean::class.java)?.getVMOption(name)?.value
        } catch (_: IllegalArgumentException) {
            null // not HotSpot, or not on this processor
        }
    }
}
