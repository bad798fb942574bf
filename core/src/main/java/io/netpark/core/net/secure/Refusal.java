package io.netpark.core.net.secure;

import io.netpark.core.sys.NetparkException.TlsFault;
import javax.net.ssl.SSLException;

/** TLS ends by a rule of Netpark's, and not of the engine's. */
public final class Refusal extends SSLException {

    private static final long serialVersionUID = 1L;

    private final TlsFault fault;

    Refusal(TlsFault fault, String sentence) {
        super(sentence);
        this.fault = fault;
    }

    /** What is wrong. */
    public TlsFault fault() {
        return fault;
    }

    /** One for each bad peer: it tells nobody where it was made. */
    @Override
    public Throwable fillInStackTrace() {
        return this;
    }
}
