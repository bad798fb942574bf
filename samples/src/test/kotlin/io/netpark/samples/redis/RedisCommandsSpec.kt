package io.netpark.samples.redis

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.scopes.FunSpecContainerScope
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs

/** What the redis sample answers, as its users see it; and that Debian's redis-server answers the same. */
class RedisCommandsSpec : SampleSpec({

    /** A line for each command: as typed, and what redis-cli shows, its lines joined by " | ". */
    val table = """
        PING => PONG
        PING hello => "hello"
        PING a b => (error) ERR wrong number of arguments for 'ping' command
        ECHO hello => "hello"
        GET name => (nil)
        SET name netpark => OK
        get name => "netpark"
        STRLEN name => (integer) 7
        TYPE name => string
        TYPE nothing => none
        GET => (error) ERR wrong number of arguments for 'get' command
        SET name => (error) ERR wrong number of arguments for 'set' command
        SET name other NX => (nil)
        SET fresh 1 NX => OK
        SET nothing 1 XX => (nil)
        SET name other XX GET => "netpark"
        SET fresher 1 GET => (nil)
        SET name third NX GET => "other"
        GET name => "other"
        SET name x NX XX => (error) ERR syntax error
        SET name x EX => (error) ERR syntax error
        SET name x EX 10 PX 10 => (error) ERR syntax error
        SET name x EX 10 KEEPTTL => (error) ERR syntax error
        SET name x EX 0 => (error) ERR invalid expire time in 'set' command
        SET name x PX -1 => (error) ERR invalid expire time in 'set' command
        SET name x EX ten => (error) ERR value is not an integer or out of range
        SET name x EX 9223372036854775 => (error) ERR invalid expire time in 'set' command
        SET brief x EX 100 => OK
        TTL brief => (integer) 100
        SET brief y KEEPTTL => OK
        TTL brief => (integer) 100
        SET brief z => OK
        TTL brief => (integer) -1
        PTTL nothing => (integer) -2
        EXPIRE brief 1000 => (integer) 1
        TTL brief => (integer) 1000
        PERSIST brief => (integer) 1
        PERSIST brief => (integer) 0
        PEXPIRE brief 100000 => (integer) 1
        TTL brief => (integer) 100
        EXPIRE nothing 10 => (integer) 0
        EXPIRE brief x => (error) ERR value is not an integer or out of range
        EXPIRE brief 9223372036854775807 => (error) ERR invalid expire time in 'expire' command
        EXPIRE brief -1 => (integer) 1
        EXISTS brief => (integer) 0
        SETEX brief 100 v => OK
        TTL brief => (integer) 100
        PSETEX brief 0 v => (error) ERR invalid expire time in 'psetex' command
        INCR brief => (error) ERR value is not an integer or out of range
        INCR count => (integer) 1
        INCRBY count 41 => (integer) 42
        DECR count => (integer) 41
        DECRBY count 50 => (integer) -9
        GET count => "-9"
        INCRBY count 1.5 => (error) ERR value is not an integer or out of range
        SET count 9223372036854775807 => OK
        INCR count => (error) ERR increment or decrement would overflow
        DECRBY count -9223372036854775808 => (error) ERR decrement would overflow
        SET count -9223372036854775808 => OK
        DECR count => (error) ERR increment or decrement would overflow
        SET count 007 => OK
        INCR count => (error) ERR value is not an integer or out of range
        APPEND tail ab => (integer) 2
        APPEND tail cd => (integer) 4
        GET tail => "abcd"
        SETNX tail x => (integer) 0
        SETNX head x => (integer) 1
        DEL head tail nothing => (integer) 2
        UNLINK fresher => (integer) 1
        FLUSHALL => OK
        DBSIZE => (integer) 0
        MSET a 1 b 2 a 3 => OK
        MGET a nothing b => 1) "3" | 2) (nil) | 3) "2"
        MSET a 1 b => (error) ERR wrong number of arguments for 'mset' command
        EXISTS a b a nothing => (integer) 3
        KEYS a* => 1) "a"
        KEYS [^a] => 1) "b"
        KEYS nothing? => (empty array)
        DBSIZE => (integer) 2
        FLUSHDB async => OK
        FLUSHALL now => (error) ERR syntax error
        KEYS * => (empty array)
        SELECT 0 => OK
        SELECT 99 => (error) ERR DB index is out of range
        SELECT x => (error) ERR value is not an integer or out of range
        CONFIG GET save => 1) "save" | 2) ""
        CONFIG GET appendonly => 1) "appendonly" | 2) "no"
        CONFIG GET nothing => (empty array)
        CONFIG GET => (error) ERR wrong number of arguments for 'config|get' command
        CONFIG nothing => (error) ERR unknown subcommand 'nothing'. Try CONFIG HELP.
        CLIENT GETNAME => (nil)
        CLIENT SETNAME me => OK
        CLIENT nothing => (error) ERR unknown subcommand 'nothing'. Try CLIENT HELP.
        COMMAND INFO nothing => 1) (nil)
        HELLO 4 => (error) NOPROTO unsupported protocol version
        HELLO x => (error) ERR Protocol version is not an integer or out of range
        NOTHING => (error) ERR unknown command 'NOTHING', with args beginning with: 
        nothing at all => (error) ERR unknown command 'nothing', with args beginning with: 'at' 'all' 
        QUIT => OK
    """.trimIndent().lines().map { it.split(" => ") }

    fun shown(port: Int, command: String): String {
        val process = ProcessBuilder(listOf("redis-cli", "--no-raw", "-p", "$port") + command.split(' ')).start()
        val output = process.inputStream.bufferedReader().readText()
        return output.trimEnd().lines().joinToString(" | ")
    }

    /** What is sent, and all that comes until the end of the stream; a client's end of stream is the last thing it sends. */
    val bytes = listOf(
        "*x\r\n" to "-ERR Protocol error: invalid multibulk length\r\n",
        "*+1\r\n" to "-ERR Protocol error: invalid multibulk length\r\n",
        "*2147483648\r\n" to "-ERR Protocol error: invalid multibulk length\r\n",
        "*1\r\n%4\r\n" to "-ERR Protocol error: expected '$', got '%'\r\n",
        "*1\r\n\$x\r\n" to "-ERR Protocol error: invalid bulk length\r\n",
        "*1\r\n$-1\r\n" to "-ERR Protocol error: invalid bulk length\r\n",
        "*1\r\n$536870913\r\n" to "-ERR Protocol error: invalid bulk length\r\n",
        "*1\r\n$100000000000000000000\r\n" to "-ERR Protocol error: invalid bulk length\r\n",
        "*" + "1".repeat(70_000) to "-ERR Protocol error: too big mbulk count string\r\n",
        "*1\r\n$" + "1".repeat(70_000) to "-ERR Protocol error: too big bulk count string\r\n",
        "x".repeat(70_000) to "-ERR Protocol error: too big inline request\r\n",
        "set \"a\r\n" to "-ERR Protocol error: unbalanced quotes in request\r\n",
        "set a 'b'c\r\n" to "-ERR Protocol error: unbalanced quotes in request\r\n",
        "PING\r\n*x\r\nPING\r\n" to "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n",
        "QUIT\r\nPING\r\n" to "+OK\r\n",
        "*0\r\n*-1\r\n\r\nPING\n" to "+PONG\r\n",
        "  echo \"a\\x41\\n\\\"\" \r\necho 'it\\'s'\r\n" to "$4\r\naA\n\"\r\n$4\r\nit's\r\n",
        "*1\r\n$4\r\nPINGxxPING\r\n" to "+PONG\r\n+PONG\r\n",
        "*1\r\n$3\r\na\nb\r\n" to "-ERR unknown command 'a b', with args beginning with: \r\n",
        "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n" to "$0\r\n\r\n",
        "*2\r\n$4\r\nECHO\r\n$10\r\nbroken" to "",
    )

    fun answers(port: Int, sent: String): String = Client(port).use { client ->
        client.send(sent)
        client.socket.shutdownOutput()
        client.rest().toString(Charsets.ISO_8859_1)
    }

    suspend fun FunSpecContainerScope.answersRightly(port: () -> Int) {
        test("commands").config(enabledOrReasonIf = { needs("redis-cli", "--version") }) {
            for ((command, expected) in table) withClue(command) { shown(port(), command) shouldBe expected.trimEnd() }
        }
        test("protocol errors and odd requests") {
            for ((sent, expected) in bytes) withClue(sent.take(40)) { answers(port(), sent) shouldBe expected }
        }
    }

    for (loops in listOf("1", "2")) {
        context("the sample with --loops $loops") {
            val redis by lazy { RunningRedis("--loops", loops) }
            afterSpec { redis.close() }
            answersRightly { redis.port }
        }
    }

    context("redis-server").config(enabledOrReasonIf = { needs("redis-server", "--version") }) {
        val genuine by lazy { GenuineRedis() }
        afterSpec { genuine.close() }
        answersRightly { genuine.port }
    }

    test("INFO, COMMAND and CLIENT tell what clients ask for").config(enabledOrReasonIf = { needs("redis-cli", "--version") }) {
        RunningRedis().use { redis ->
            shown(redis.port, "MSET a 1 b 2")
            shown(redis.port, "EXPIRE a 100")
            shown(redis.port, "MGET a b c") shouldContain "(nil)"
            Client(redis.port).use { client ->
                client.exchange("CLIENT SETNAME me\r\nCLIENT GETNAME\r\n", "+OK\r\n$2\r\nme\r\n")
                client.exchange("CLIENT SETINFO lib-name x\r\nCOMMAND DOCS\r\n", "+OK\r\n*0\r\n")
                client.exchange("COMMAND INFO get\r\n", "*1\r\n*6\r\n$3\r\nget\r\n:2\r\n*0\r\n:1\r\n:1\r\n:1\r\n")
                client.send("INFO\r\nQUIT\r\n")
                val info = client.rest().decodeToString().lines().map { it.trim() }
                for (line in listOf("# Server", "connected_clients:1", "keyspace_hits:2", "keyspace_misses:1",
                    "db0:keys=2,expires=1,avg_ttl=0", "process_id:${redis.program.pid}")) {
                    withClue(line) { info.contains(line) shouldBe true }
                }
            }
            val count = shown(redis.port, "COMMAND COUNT").substringAfter(") ").toInt()
            shown(redis.port, "COMMAND").split(" | ").count { Regex("""^ *\d+\) 1\) "\w+"$""").matches(it) } shouldBe count
            redis.program.errorLines().shouldBeEmpty()
        }
    }
})
