package io.netpark.samples.redis;

/** The answer to a command that cannot be carried out; the connection goes on. The texts are those of Redis. */
final class CommandError extends Exception {

    static final CommandError SYNTAX = new CommandError("ERR syntax error");
    static final CommandError NOT_AN_INTEGER = new CommandError("ERR value is not an integer or out of range");
    static final CommandError OVERFLOW = new CommandError("ERR increment or decrement would overflow");

    /** @param message with the code it begins with: {@code ERR} */
    CommandError(String message) {
        super(message, null, false, false); // expected, and told to the client: nobody reads a stack trace
    }

    static CommandError arity(String command) {
        return new CommandError("ERR wrong number of arguments for '" + command + "' command");
    }

    static CommandError expireTime(String command) {
        return new CommandError("ERR invalid expire time in '" + command + "' command");
    }

    /** What the answer says. */
    String text() {
        return String.valueOf(getMessage());
    }
}
