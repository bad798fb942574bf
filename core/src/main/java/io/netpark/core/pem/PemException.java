package io.netpark.core.pem;

import org.jspecify.annotations.Nullable;

/** A PEM file is of no use. The message names the file and the line, says what is wrong, and what to do. */
public final class PemException extends Exception {

    private static final long serialVersionUID = 1L;

    PemException(String message) {
        super(message);
    }

    PemException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
