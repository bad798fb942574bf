package io.netpark.core.tls;

import io.netpark.core.pem.PemException;

/**
 * Certificates, keys or settings of TLS are of no use. The message names the file, with the line or the entry, says what is
 * wrong with it and what to do. Thrown when a {@link Tls} is built or reloaded, and never by a connection.
 */
public final class TlsConfigurationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    TlsConfigurationException(String message) {
        super(message);
    }

    TlsConfigurationException(String message, Throwable cause) {
        super(message, cause);
    }

    static TlsConfigurationException of(PemException e) {
        String message = e.getMessage();
        return new TlsConfigurationException(message == null ? e.toString() : message, e);
    }
}
