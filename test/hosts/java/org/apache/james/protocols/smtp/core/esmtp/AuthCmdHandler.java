package org.apache.james.protocols.smtp.core.esmtp;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Logs as the class of this name does: failures under a name of their own, broken input with its exception. */
public final class AuthCmdHandler {
    private static final Logger LOGGER = LogManager.getLogger(AuthCmdHandler.class);
    private static final Logger AUTHENTICATION =
        LogManager.getLogger("org.apache.james.protocols.smtp.AUTHENTICATION");

    public static void failed(String method, String user, String address) {
        AUTHENTICATION.info("AUTH method {} failed from {}@{}", method, user, address);
    }

    public static void undecodable(String input) {
        LOGGER.info("Could not decode parameters for AUTH PLAIN", new IllegalArgumentException(input));
    }

    public static void chatter() {
        LOGGER.debug("a detail that nobody watches");
    }
}
