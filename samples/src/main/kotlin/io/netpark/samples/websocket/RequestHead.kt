package io.netpark.samples.websocket

/**
 * The head of a request of HTTP/1.1 or HTTP/1.0 (RFC 9112), as far as an upgrade needs it: no body, no folded lines. nginx asks by
 * HTTP/1.0 on behalf of others, unless it is told not to.
 *
 * @property target as it was sent: a path, and perhaps a query
 */
class RequestHead private constructor(
    val method: String,
    val target: String,
    val version: String,
    private val fields: Map<String, List<String>>,
) {
    /** The target without its query. */
    val path: String get() = target.substringBefore('?')

    /** Whether it is of HTTP/1.0, which knows no upgrade (RFC 9110, 7.8), and need not name a host. */
    val isOld: Boolean get() = version == "HTTP/1.0"

    /** The value of a field that may be there once; null if it is not. */
    fun field(name: String): String? {
        val values = fields[name.lowercase()] ?: return null
        return values.singleOrNull() ?: throw Refusal(400, "The request has ${values.size} fields $name.")
    }

    /** Whether a field that is a list has this entry, in whatever case. */
    fun lists(name: String, entry: String): Boolean =
        fields[name.lowercase()].orEmpty().any { value -> value.split(',').any { it.trim().equals(entry, ignoreCase = true) } }

    companion object {
        /** The most bytes of a head. */
        const val LIMIT: Int = 8 * 1024

        /** How it ends. */
        @JvmField
        val END: ByteArray = "\r\n\r\n".encodeToByteArray()

        private const val VERSION_LENGTH = 8
        private val TOKEN = Regex("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
        private val VALUE = Regex("[\\t\\x20-\\x7e\\x80-\\xff]*")

        /**
         * Takes a head apart.
         *
         * @param text with its end, a character a byte
         * @throws Refusal it is not one, or has a body
         */
        @JvmStatic
        @Throws(Refusal::class)
        fun parse(text: String): RequestHead {
            val lines = text.removeSuffix("\r\n\r\n").split("\r\n")
            val request = lines.first().split(' ')
            if (request.size != 3 || !TOKEN.matches(request[0]) || !request[2].startsWith("HTTP/")) malformed("request line")
            val (method, target, version) = request
            if (!version.startsWith("HTTP/1.") || version.length != VERSION_LENGTH || version.last() !in '0'..'9') {
                throw Refusal(505, "This server speaks HTTP/1.1.")
            }
            if (!target.startsWith('/') || target.any { it !in '!'..'~' }) malformed("target")
            val fields = lines.drop(1).groupBy({ name(it) }) { line ->
                line.substringAfter(':').trim(' ', '\t').also { if (!VALUE.matches(it)) malformed("field") }
            }
            val head = RequestHead(method, target, version, fields)
            if (head.field("Host").isNullOrEmpty() && !head.isOld) throw Refusal(400, "The request has no Host.")
            if ((head.field("Content-Length") ?: "0") != "0" || head.field("Transfer-Encoding") != null) {
                throw Refusal(400, "A request here has no body.")
            }
            return head
        }

        private fun name(line: String): String {
            val name = line.substringBefore(':', "")
            if (!TOKEN.matches(name)) malformed("field")
            return name.lowercase()
        }

        private fun malformed(what: String): Nothing = throw Refusal(400, "The request has a malformed $what.")
    }
}
